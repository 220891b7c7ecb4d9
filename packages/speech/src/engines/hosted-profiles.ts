import type { SpeechProfile, Voice } from './engine.ts';

/** The voice of a request that names none. @see worker/python/taleback_speech/engine.py */
const DEFAULT_VOICE = 'default';

/** Of Chatterbox Multilingual. @see https://github.com/resemble-ai/chatterbox, supported languages */
const CHATTERBOX_LANGUAGES = [
  'en',
  'ar',
  'da',
  'de',
  'el',
  'es',
  'fi',
  'fr',
  'he',
  'hi',
  'it',
  'ja',
  'ko',
  'ms',
  'nl',
  'no',
  'pl',
  'pt',
  'ru',
  'sv',
  'sw',
  'tr',
  'zh',
] as const;

/** As it is written, but for line ends: models have rules of their own for everything else. */
const prepareText = (text: string): string => text.normalize('NFC').replace(/\r\n?/gu, '\n').trim();

const voicesOf = (ids: readonly string[], languages: readonly string[]): readonly Voice[] =>
  [DEFAULT_VOICE, ...ids].map((id) => ({ id, name: id, languages }));

/** Chatterbox in a Python child. @param recordings names of its voices beside its own */
export const chatterboxProfile = (
  variant: 'english' | 'multilingual',
  recordings: readonly string[],
): SpeechProfile => {
  const languages = variant === 'english' ? ['en'] : CHATTERBOX_LANGUAGES;
  const voices = voicesOf(recordings, languages);
  return {
    name: 'chatterbox-python',
    languages,
    voices: () => voices,
    prepareText,
    clonesVoices: true,
    hasOneSpeed: true,
  };
};

/** Families of models that take a recording. @see https://github.com/idiap/coqui-ai-TTS, "Voice cloning" */
const CLONING_MODELS = /xtts|your_tts|tortoise|bark/;

/** Families of models that are told how long a sound lasts; Jenny is a VITS. @see worker/python/taleback_speech/engines/coqui.py */
const MODELS_WITH_SPEED = /vits|glow|jenny/;

export interface CoquiFacts {
  /** As Coqui names it. */
  readonly model: string;
  readonly languages: readonly string[];
  /** Of a model that has several. */
  readonly speakers: readonly string[];
}

/** Coqui in a Python child. */
export const coquiProfile = ({ model, languages, speakers }: CoquiFacts): SpeechProfile => {
  const voices = speakers.length === 0 ? voicesOf([], languages) : voicesOf(speakers, languages).slice(1);
  return {
    name: 'coqui-python',
    languages,
    voices: () => voices,
    prepareText,
    clonesVoices: CLONING_MODELS.test(model),
    hasOneSpeed: !MODELS_WITH_SPEED.test(model),
  };
};
