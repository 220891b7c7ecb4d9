/** Points that are looked at between two samples. BS.1770 asks for at least three at speech rates. */
const PHASES = [0.25, 0.5, 0.75];
/** Samples on each side that an interpolated point is made of. */
const REACH = 6;

/** Hann-windowed sinc, its sum 1, for the point so far behind the sample before it. */
const interpolatorFor = (phase: number): readonly number[] => {
  const taps = Array.from({ length: REACH * 2 }, (_, index) => {
    const distance = index - (REACH - 1) - phase;
    const window = 0.5 + 0.5 * Math.cos((Math.PI * distance) / (REACH + 0.5));
    return (Math.sin(Math.PI * distance) / (Math.PI * distance)) * window;
  });
  const sum = taps.reduce((total, tap) => total + tap, 0);
  return taps.map((tap) => tap / sum);
};

const INTERPOLATORS = PHASES.map(interpolatorFor);

/**
 * The highest point that the sound reaches between its samples, where one of the two next to it is at least `from`:
 * looking everywhere would cost more than all other work on a chunk. In the unit of the samples; 0 when none is so loud.
 * @see https://www.itu.int/rec/R-REC-BS.1770 annex 2
 */
export const findTruePeak = (samples: Int16Array, from: number): number => {
  let peak = 0;
  for (let index = 0; index < samples.length; index += 1) {
    const here = Math.abs(samples[index] ?? 0);
    if (here > peak && here >= from) peak = here;
    if (here < from && Math.abs(samples[index + 1] ?? 0) < from) continue;
    for (const taps of INTERPOLATORS) {
      let point = 0;
      for (let tap = 0; tap < taps.length; tap += 1)
        point += (taps[tap] ?? 0) * (samples[index - (REACH - 1) + tap] ?? 0);
      if (Math.abs(point) > peak) peak = Math.abs(point);
    }
  }
  return peak;
};
