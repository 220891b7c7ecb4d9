import { composeText } from '../text/clean-text.ts';
import type { SpeechProfile, Voice } from './engine.ts';

const voice = (id: string, name: string, ...languages: string[]): Voice => ({
  id,
  name,
  languages,
  remark: 'quick, plainly a machine',
});

/** Some of its hundred voices; the Python child accepts any that `espeak-ng --voices` lists. */
const VOICES: readonly Voice[] = [
  voice('en-us', 'English (America)', 'en-US', 'en'),
  voice('en-gb', 'English (Great Britain)', 'en-GB', 'en'),
  voice('de', 'German', 'de'),
  voice('es', 'Spanish', 'es'),
  voice('fr-fr', 'French', 'fr'),
  voice('it', 'Italian', 'it'),
  voice('nl', 'Dutch', 'nl'),
  voice('pl', 'Polish', 'pl'),
  voice('pt', 'Portuguese', 'pt'),
  voice('sv', 'Swedish', 'sv'),
];

/** espeak-ng in a Python child. */
export const ESPEAK_PROFILE: SpeechProfile = {
  name: 'espeak-ng',
  languages: ['en', 'de', 'es', 'fr', 'it', 'nl', 'pl', 'pt', 'sv'],
  voices: () => VOICES,
  prepareText: composeText,
};

/** The voice of a request without one. @see packages/speech/python/taleback_speech/engine.py */
const DEFAULT_VOICE = 'default';

/** Of Chatterbox Multilingual. @see https://github.com/resemble-ai/chatterbox, supported languages */
const CHATTERBOX_LANGUAGES = 'en ar da de el es fi fr he hi it ja ko ms nl no pl pt ru sv sw tr zh'.split(
  ' ',
);

const voicesOf = (ids: readonly string[], languages: readonly string[]): readonly Voice[] =>
  [DEFAULT_VOICE, ...ids].map((id) => ({ id, name: id, languages }));

/** Chatterbox in a Python child. @param recordings names of its voices besides its own */
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
    prepareText: composeText,
    clonesVoices: true,
    hasOneSpeed: true,
  };
};

/** Families of models that take a recording. @see https://github.com/idiap/coqui-ai-TTS, "Voice cloning" */
const CLONING_MODELS = /xtts|your_tts|tortoise|bark/;

/** Families of models that support a speed; Jenny is a VITS. @see packages/speech/python/taleback_speech/engines/coqui.py */
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
    prepareText: composeText,
    clonesVoices: CLONING_MODELS.test(model),
    hasOneSpeed: !MODELS_WITH_SPEED.test(model),
  };
};
