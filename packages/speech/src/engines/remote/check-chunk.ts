import { TalebackError } from '@taleback/core';
import { isSpeakable } from '../../audio/index.ts';
import { throwIfCancelled } from '../cancellation.ts';
import { clonedVoice, findVoice } from '../choose-voice.ts';
import { SPEED_RANGE, type SpeechChunk, type SpeechProfile, type Voice } from '../engine.ts';

export interface CheckedChunk {
  readonly voice: Voice;
  /** In one line. */
  readonly text: string;
  readonly speed: number;
}

/**
 * What can be refused without asking the service.
 *
 * @throws TalebackError `voice_not_found`, `request_invalid`, `text_not_speakable`, and what `cancellationOf` makes of
 * a signal that is aborted already
 */
export const checkChunk = (
  profile: SpeechProfile,
  { text, voiceId, speed = 1, profile: recording }: SpeechChunk,
  signal: AbortSignal | undefined,
): CheckedChunk => {
  throwIfCancelled(signal);
  const voice = recording === undefined ? findVoice(profile, voiceId) : clonedVoice(profile, voiceId);
  if (!(speed >= SPEED_RANGE.min && speed <= SPEED_RANGE.max)) {
    throw new TalebackError('request_invalid', `speed must be ${SPEED_RANGE.min} to ${SPEED_RANGE.max}.`);
  }
  const line = profile.prepareText(text).replace(/\s+/gu, ' ');
  if (!isSpeakable(line)) {
    throw new TalebackError('text_not_speakable', 'There is no letter or digit to speak.');
  }
  return { voice, text: line, speed };
};
