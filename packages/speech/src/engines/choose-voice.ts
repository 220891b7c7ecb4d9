import { TalebackError } from '@taleback/core';
import type { SpeechEngine, SpeechProfile, Voice, VoiceProfile } from './engine.ts';

const primaryTag = (language: string): string => language.toLowerCase().split(/[-_]/u)[0] ?? '';

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

/** The first that speaks the language, and nobody's own where there is another; undefined when none does. */
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

/** What a cloned voice is called that nobody gave a name. */
const NAMELESS = 'cloned';

/**
 * A voice that is taken from a recording.
 * @throws TalebackError `voice_not_found` when the engine cannot do that
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

/**
 * The voice that will read: the one asked for, else the engine's first that speaks the language.
 *
 * @throws TalebackError `language_unsupported`, `voice_not_found`, `voice_language_mismatch`.
 */
export const chooseVoice = (engine: SpeechEngine, { voiceId, language, profile }: VoiceWish): Voice => {
  if (!speaksLanguage(engine.languages, language)) {
    throw new TalebackError(
      'language_unsupported',
      `The language "${language.slice(0, 40)}" is not supported.`,
      {
        details: `${engine.name} speaks ${engine.languages.join(', ')}`,
      },
    );
  }
  if (profile !== undefined) return clonedVoice(engine, voiceId);
  const voice = voiceId === undefined ? firstVoice(engine.voices(), language) : findVoice(engine, voiceId);
  if (voice !== undefined && speaksLanguage(voice.languages, language)) return voice;
  throw new TalebackError('voice_language_mismatch', `The voice does not speak "${language.slice(0, 40)}".`, {
    details: `voice ${voice?.id ?? 'none'} speaks ${voice?.languages.join(', ') ?? 'nothing'}`,
  });
};
