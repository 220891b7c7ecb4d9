import { type PieceEnding, spokenLength } from '../text/split-text.ts';
import { TalebackError } from '@taleback/core/errors';

/** Sound on its way through this process: one channel of signed 16-bit samples. */
export interface Pcm {
  readonly sampleRateHz: number;
  readonly samples: Int16Array<ArrayBuffer>;
}

/**
 * How many samples fill a time, to the nearest one.
 *
 * @example
 * samplesIn(1_000, 16_000); // 16000
 */
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

/** The parts in a row, in an array of their own. */
export const joinSamples = (parts: readonly Int16Array[]): Int16Array<ArrayBuffer> => {
  const whole = new Int16Array(parts.reduce((count, part) => count + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
};

/**
 * Ordinary prose takes 55 to 65 ms a letter with every embedded voice; 15 ms would be four times too fast to follow.
 * The slowest text found is a run of `w`, spelled out at 410 ms a letter.
 */
const MIN_MS_PER_LETTER = 15;
const MAX_MS_PER_LETTER = 600;
/** Room for very short texts, where onsets and endings outweigh the letters. */
const SLACK_BELOW_MS = 300;
const SLACK_ABOVE_MS = 3000;

export interface SpokenText {
  readonly text: string;
  /** Rate of speech. */
  readonly speed: number;
}

const countLetters = (text: string): number => text.match(/[\p{L}\p{N}]/gu)?.length ?? 0;

/**
 * Refuses sound that cannot be this text: none at all, silence, cut off far too early, or running on far too long.
 *
 * @throws TalebackError `audio_missing`, `audio_silent`, `audio_implausible`.
 */
export const verifySound = ({ sampleRateHz, samples }: Pcm, { text, speed }: SpokenText): void => {
  if (samples.length === 0) throw new TalebackError('audio_missing', 'The engine made no sound.');
  if (isSilent(samples)) throw new TalebackError('audio_silent', 'The engine made only silence.');

  const durationMs = durationMsOf(samples.length, sampleRateHz);
  const leastMs = Math.round((countLetters(text) * MIN_MS_PER_LETTER) / speed - SLACK_BELOW_MS);
  const mostMs = Math.round((spokenLength(text) * MAX_MS_PER_LETTER) / speed + SLACK_ABOVE_MS);
  if (durationMs >= leastMs && durationMs <= mostMs) return;
  throw new TalebackError('audio_implausible', 'The sound does not match the length of the text.', {
    details: `${durationMs} ms for ${text.length} characters, expected ${Math.max(0, leastMs)} to ${mostMs} ms`,
  });
};
