import type { PieceEnding } from '../text/split-text.ts';

/** Sound on its way through this process: one channel of signed 16-bit samples. */
export interface Pcm {
  readonly sampleRateHz: number;
  readonly samples: Int16Array<ArrayBuffer>;
}

/** How many samples fill a time, to the nearest one. */
export const samplesIn = (durationMs: number, sampleRateHz: number): number =>
  Math.round((durationMs * sampleRateHz) / 1000);

/** How long so many samples last, in whole milliseconds. */
export const durationMsOf = (sampleCount: number, sampleRateHz: number): number =>
  Math.round((sampleCount * 1000) / sampleRateHz);

/**
 * Below this root mean square (of 32,767) speech is inaudible. For text it cannot speak, flite returns a hiss of about
 * 25; its quietest voice speaks at about 1,200.
 */
export const SILENT_RMS = 60;

/** Root mean square of the samples, 0 for none. */
export const measureRms = (samples: Int16Array): number => {
  if (samples.length === 0) return 0;
  let sum = 0;
  // By index: an iterator costs three times as much until it is optimized, and this runs for every chunk.
  for (let index = 0; index < samples.length; index += 1) {
    const sample = samples[index] ?? 0;
    sum += sample * sample;
  }
  return Math.sqrt(sum / samples.length);
};

export const isSilent = (samples: Int16Array): boolean => measureRms(samples) < SILENT_RMS;

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

/** Milliseconds, chosen so that a joined story keeps the rhythm of one that is read in one go. */
export const PAUSE_MS: Readonly<Record<PieceEnding, number>> = {
  paragraph: 600,
  sentence: 280,
  clause: 120,
  word: 40,
};

/** Multiples of the natural pauses that still sound like one narration. */
export const PAUSE_SCALE_RANGE = { min: 0, max: 4 } as const;

/** The sound with the pause of this ending behind it: a copy, unless there is no pause. */
export const appendPause = (pcm: Pcm, ending: PieceEnding, scale: number): Pcm => {
  const { sampleRateHz, samples } = pcm;
  const pauseSamples = samplesIn(PAUSE_MS[ending] * scale, sampleRateHz);
  if (pauseSamples === 0) return pcm;
  const joined = new Int16Array(samples.length + pauseSamples);
  joined.set(samples);
  return { sampleRateHz, samples: joined };
};
