import { TalebackError } from '@taleback/core';
import { durationMsOf, isSilent, type Pcm } from './pcm.ts';
import { spokenLength } from '../text/spoken-length.ts';

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
