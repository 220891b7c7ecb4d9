import { TalebackError } from '@taleback/core';
import { isSpeakable } from '../audio/index.ts';
import {
  clonedVoice,
  findVoice,
  SPEED_RANGE,
  type SpeechChunk,
  type SpeechProfile,
} from '../engines/index.ts';

/**
 * What no engine can do is refused before it takes up a queue: and a speed that is not finite would not survive the way
 * to a process.
 *
 * @throws TalebackError `voice_not_found`, `request_invalid`, `text_not_speakable`.
 */
export const verifyChunk = (
  profile: SpeechProfile,
  { text, voiceId, speed = 1, profile: recording }: SpeechChunk,
): void => {
  if (recording === undefined) findVoice(profile, voiceId);
  else clonedVoice(profile, voiceId);
  if (!(speed >= SPEED_RANGE.min && speed <= SPEED_RANGE.max)) {
    const range = `${SPEED_RANGE.min} to ${SPEED_RANGE.max}`;
    throw new TalebackError('request_invalid', `speed must be ${range}.`, { details: `speed is ${speed}` });
  }
  if (!isSpeakable(text)) {
    throw new TalebackError('text_not_speakable', 'There is no letter or digit to speak.');
  }
};
