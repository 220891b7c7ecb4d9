import { type Pcm, samplesIn } from './pcm.ts';

/** About -44 dB of full scale: under the softest consonant of every voice, above an engine's resting hiss. */
const QUIET_AMPLITUDE = 200;
/** Kept before and after the sound, so that soft onsets and endings are not cut. */
const MARGIN_MS = 25;

const isLoud = (sample: number): boolean => Math.abs(sample) > QUIET_AMPLITUDE;

/**
 * Cuts silence off both ends, because each engine leaves its own and the pauses between chunks are ours to set.
 * The result views the same samples. Sound that is quiet throughout stays whole.
 */
export const trimSilence = ({ sampleRateHz, samples }: Pcm): Pcm => {
  const first = samples.findIndex(isLoud);
  if (first === -1) return { sampleRateHz, samples };
  const last = samples.findLastIndex(isLoud);
  const margin = samplesIn(MARGIN_MS, sampleRateHz);
  return { sampleRateHz, samples: samples.subarray(Math.max(0, first - margin), last + 1 + margin) };
};
