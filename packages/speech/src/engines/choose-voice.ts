import { TalebackError } from '@taleback/core/errors';
import { isSpeakable } from '../text/spoken-length.ts';
import { throwIfCancelled } from '../cancellation.ts';
import {
  SPEED_RANGE,
  type SpeechChunk,
  type SpeechEngine,
  type SpeechProfile,
  type Voice,
  type VoiceProfile,
} from './engine.ts';

/** `en` of `en-AU`. */
export const primaryTag = (language: string): string => language.toLowerCase().split(/[-_]/u)[0] ?? '';

/** Whether one of the languages is this one; only the primary tag counts. */
export const speaksLanguage = (languages: readonly string[], language: string): boolean =>
  languages.some((spoken) => primaryTag(spoken) === primaryTag(language));

/** A voice by its id. @throws TalebackError `voice_not_found`, which names the voices there are. */
export const findVoice = (engine: Pick<SpeechEngine, 'name' | 'voices'>, voiceId: string): Voice => {
  const voices = engine.voices();
  const voice = voices.find(({ id }) => id === voiceId);
  if (voice !== undefined) return voice;
  throw new TalebackError('voice_not_found', `There is no voice "${voiceId.slice(0, 100)}".`, {
    details: `${engine.name} has ${voices.map(({ id }) => id).join(', ')}`,
  });
};

/** The first voice that speaks the language, a cloned one only if there is no other; undefined when there is none. */
export const firstVoice = (voices: readonly Voice[], language: string): Voice | undefined => {
  const able = voices.filter(({ languages }) => speaksLanguage(languages, language));
  return able.find(({ isCloned = false }) => !isCloned) ?? able[0];
};

export interface VoiceWish {
  readonly voiceId?: string | undefined;
  /** BCP 47; only the primary tag counts, so `en-AU` is served by any English voice. */
  readonly language: string;
  /** The recording of the voice asked for, when it is a person's own. */
  readonly profile?: VoiceProfile | undefined;
}

/** The id of a cloned voice without a name. */
const NAMELESS = 'cloned';

/**
 * The voice of a recording.
 * @throws TalebackError `voice_not_found` when the engine clones no voices
 */
export const clonedVoice = (
  { name, clonesVoices, languages }: Pick<SpeechProfile, 'name' | 'clonesVoices' | 'languages'>,
  voiceId: string = NAMELESS,
): Voice => {
  if (clonesVoices === true) return { id: voiceId, name: voiceId, languages };
  throw new TalebackError('voice_not_found', 'The voice of a recording cannot be spoken here.', {
    details: `${name} clones no voices`,
  });
};

/** @throws TalebackError `language_unsupported` when the engine does not speak it */
export const requireLanguage = (
  { name, languages }: Pick<SpeechProfile, 'name' | 'languages'>,
  language: string,
): void => {
  if (speaksLanguage(languages, language)) return;
  const message = `The language "${language.slice(0, 40)}" is not supported.`;
  const details = `${name} speaks ${languages.join(', ')}`;
  throw new TalebackError('language_unsupported', message, { details });
};

/**
 * The voice that will read: the one asked for, else the engine's first that speaks the language.
 *
 * @throws TalebackError `language_unsupported`, `voice_not_found`, `voice_language_mismatch`.
 */
export const chooseVoice = (engine: SpeechEngine, { voiceId, language, profile }: VoiceWish): Voice => {
  requireLanguage(engine, language);
  if (profile !== undefined) return clonedVoice(engine, voiceId);
  const voice = voiceId === undefined ? firstVoice(engine.voices(), language) : findVoice(engine, voiceId);
  if (voice !== undefined && speaksLanguage(voice.languages, language)) return voice;
  throw new TalebackError('voice_language_mismatch', `The voice does not speak "${language.slice(0, 40)}".`, {
    details: `voice ${voice?.id ?? 'none'} speaks ${voice?.languages.join(', ') ?? 'nothing'}`,
  });
};

export interface CheckedChunk {
  readonly voice: Voice;
  /** In one line. */
  readonly text: string;
  readonly speed: number;
}

/**
 * Refuses what no service needs to be asked about.
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
