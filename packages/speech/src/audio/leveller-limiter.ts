/** How the samples of a chunk are made louder or softer. */
export interface GainCurve {
  /** Factor at the first sample, to which the chunk before it led. */
  readonly from: number;
  /** Factor behind the ramp. */
  readonly to: number;
  readonly rampSamples: number;
  /** No result goes beyond it, in units of a sample. */
  readonly ceiling: number;
}

/** Below this part of the ceiling (-3 dB) a limited chunk stays as it is; above it, it bends towards the ceiling. */
const KNEE = 10 ** (-3 / 20);

/** Bends what is above the knee: straight at the knee, never quite at the ceiling. It needs no look ahead. */
const bend = (value: number, ceiling: number): number => {
  const size = Math.abs(value);
  const knee = ceiling * KNEE;
  if (size <= knee) return value;
  const bent = knee + (ceiling - knee) * Math.tanh((size - knee) / (ceiling - knee));
  return value < 0 ? -bent : bent;
};

const rounded = (value: number, ceiling: number): number =>
  value < 0 ? -Math.min(ceiling, Math.round(-value)) : Math.min(ceiling, Math.round(value));

/** The samples by the curve, in an array of their own. Only a chunk that would go beyond the ceiling is bent. */
export const applyGain = (
  samples: Int16Array,
  peak: number,
  { from, to, rampSamples, ceiling }: GainCurve,
): Int16Array<ArrayBuffer> => {
  const made = new Int16Array(samples.length);
  const most = Math.floor(ceiling);
  const isBent = peak * Math.max(from, to) > most;
  const ramp = Math.min(rampSamples, samples.length);
  for (let index = 0; index < ramp; index += 1) {
    const value = (samples[index] ?? 0) * (from + ((to - from) * index) / ramp);
    made[index] = rounded(isBent ? bend(value, ceiling) : value, most);
  }
  for (let index = ramp; index < samples.length; index += 1) {
    const value = (samples[index] ?? 0) * to;
    made[index] = rounded(isBent ? bend(value, ceiling) : value, most);
  }
  return made;
};

/** The largest size of any sample. */
export const findPeak = (samples: Int16Array): number => {
  let peak = 0;
  for (let index = 0; index < samples.length; index += 1) {
    const size = Math.abs(samples[index] ?? 0);
    if (size > peak) peak = size;
  }
  return peak;
};
