import { type Pcm, samplesIn } from './pcm.ts';

/** Half a window, and how far apart windows are laid down: two periods of the lowest voice. */
const HOP_MS = 20;
/** How far from its place a window may be taken, to either side: one period of the lowest voice. */
const TOLERANCE_MS = 10;
/** Of the samples that are compared, and of the places that are tried: fine enough for what carries a voice's pitch. */
const COMPARE_STEP = 4;
const PLACE_STEP = 2;

/** How alike the sound at two places is over one hop, whatever its loudness at the second. */
const likeness = (sound: Int16Array, target: number, place: number, hop: number): number => {
  let product = 0;
  let energy = 1;
  for (let index = 0; index < hop; index += COMPARE_STEP) {
    const sample = sound[place + index] ?? 0;
    product += (sound[target + index] ?? 0) * sample;
    energy += sample * sample;
  }
  return product / Math.sqrt(energy);
};

const findPlace = (
  sound: Int16Array,
  target: number,
  ideal: number,
  hop: number,
  tolerance: number,
): number => {
  let best = ideal;
  let bestLikeness = likeness(sound, target, ideal, hop);
  for (let place = Math.max(0, ideal - tolerance); place <= ideal + tolerance; place += PLACE_STEP) {
    const found = likeness(sound, target, place, hop);
    if (found <= bestLikeness) continue;
    best = place;
    bestLikeness = found;
  }
  return best;
};

/**
 * The same sound at another speed and the same pitch: windows of it are laid down closer together or further apart,
 * each taken where it continues the last one best (WSOLA). About 25 ms of work for 10 s of speech.
 *
 * @param speed 2 is twice as fast; sounds well from 0.5 to 2
 * @returns `samples.length / speed` samples; the very sound it was given when speed is 1
 * @see Verhelst and Roelands, "An overlap-add technique based on waveform similarity (WSOLA)", ICASSP 1993
 */
export const stretched = ({ sampleRateHz, samples }: Pcm, speed: number): Pcm => {
  if (!(speed > 0 && Number.isFinite(speed))) throw new RangeError(`speed is ${speed}`);
  if (speed === 1) return { sampleRateHz, samples };
  const hop = samplesIn(HOP_MS, sampleRateHz);
  const tolerance = samplesIn(TOLERANCE_MS, sampleRateHz);
  // Silence behind the end, so that no window runs over it.
  const sound = new Int16Array(samples.length + 3 * hop + tolerance);
  sound.set(samples);
  const result = new Int16Array(Math.round(samples.length / speed));
  result.set(sound.subarray(0, Math.min(hop, result.length)));
  let place = 0;
  for (let start = hop; start < result.length; start += hop) {
    const target = place + hop;
    place = findPlace(sound, target, Math.min(Math.round(start * speed), samples.length), hop, tolerance);
    const length = Math.min(hop, result.length - start);
    for (let index = 0; index < length; index += 1) {
      const weight = index / hop;
      result[start + index] =
        (sound[target + index] ?? 0) * (1 - weight) + (sound[place + index] ?? 0) * weight;
    }
  }
  return { sampleRateHz, samples: result };
};
