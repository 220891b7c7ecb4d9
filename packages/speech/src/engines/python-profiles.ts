import { composeText } from '../text/clean-text.ts';
import type { SpeechProfile, Voice } from './engine.ts';

/** Some of espeak-ng's hundred voices; the Python child accepts any that `espeak-ng --voices` lists. */
const ESPEAK_VOICES: readonly Voice[] = Object.entries({
  'en-us': ['English (America)', 'en-US', 'en'],
  'en-gb': ['English (Great Britain)', 'en-GB', 'en'],
  de: ['German', 'de'],
  es: ['Spanish', 'es'],
  'fr-fr': ['French', 'fr'],
  it: ['Italian', 'it'],
  nl: ['Dutch', 'nl'],
  pl: ['Polish', 'pl'],
  pt: ['Portuguese', 'pt'],
  sv: ['Swedish', 'sv'],
}).map(([id, [name = id, ...languages]]) => ({ id, name, languages, remark: 'quick, plainly a machine' }));

/** espeak-ng in a Python child. */
export const ESPEAK_PROFILE: SpeechProfile = {
  name: 'espeak-ng',
  languages: ['en', 'de', 'es', 'fr', 'it', 'nl', 'pl', 'pt', 'sv'],
  voices: () => ESPEAK_VOICES,
  prepareText: composeText,
};

/** The voice of a request without one. @see packages/speech/python/taleback_speech/engine.py */
const DEFAULT_VOICE = 'default';

const modelProfile = (
  name: string,
  ids: readonly (string | Pick<Voice, 'id' | 'isCloned'>)[],
  facts: Required<Pick<SpeechProfile, 'languages' | 'clonesVoices' | 'hasOneSpeed'>>,
): SpeechProfile => {
  const voices = ids.map((voice) => {
    const { id, ...more } = typeof voice === 'string' ? { id: voice } : voice;
    return { id, name: id, languages: facts.languages, ...more };
  });
  return { name, voices: () => voices, prepareText: composeText, ...facts };
};

/** Of Chatterbox Multilingual. @see https://github.com/resemble-ai/chatterbox, supported languages */
const CHATTERBOX_LANGUAGES = 'en ar da de el es fi fr he hi it ja ko ms nl no pl pt ru sv sw tr zh'.split(
  ' ',
);

/** Chatterbox in a Python child. @param recordings names of its voices besides its own */
export const chatterboxProfile = (
  variant: 'english' | 'multilingual',
  recordings: readonly string[],
): SpeechProfile =>
  modelProfile(
    'chatterbox-python',
    [DEFAULT_VOICE, ...recordings.map((id) => ({ id, isCloned: true as const }))],
    {
      languages: variant === 'english' ? ['en'] : CHATTERBOX_LANGUAGES,
      clonesVoices: true,
      hasOneSpeed: true,
    },
  );

export interface CoquiFacts {
  /** As Coqui names it. */
  readonly model: string;
  readonly languages: readonly string[];
  /** Of a model that has several. */
  readonly speakers: readonly string[];
}

export const coquiProfile = ({ model, languages, speakers }: CoquiFacts): SpeechProfile =>
  modelProfile('coqui-python', speakers.length === 0 ? [DEFAULT_VOICE] : speakers, {
    languages,
    // Families of models that take a recording: see https://github.com/idiap/coqui-ai-TTS, "Voice cloning".
    clonesVoices: /xtts|your_tts|tortoise|bark/.test(model),
    // And that support a speed; Jenny is a VITS: see packages/speech/python/taleback_speech/engines/coqui.py.
    hasOneSpeed: !/vits|glow|jenny/.test(model),
  });
