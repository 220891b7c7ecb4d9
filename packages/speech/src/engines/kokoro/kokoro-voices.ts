import { primaryTag, type Voice } from '../engine.ts';

interface KokoroLanguage {
  readonly language: string;
  readonly accent?: string;
}

/** By the first letter of a voice's name, which is also the service's `lang_code`. */
const LANGUAGES: Readonly<Record<string, KokoroLanguage>> = {
  a: { language: 'en-US', accent: 'American' },
  b: { language: 'en-GB', accent: 'British' },
  e: { language: 'es' },
  f: { language: 'fr' },
  h: { language: 'hi' },
  i: { language: 'it' },
  j: { language: 'ja' },
  p: { language: 'pt-BR', accent: 'Brazilian' },
  z: { language: 'zh' },
};

/** BCP 47 tags of all that Kokoro speaks. */
export const KOKORO_LANGUAGES: readonly string[] = Object.values(LANGUAGES).map(({ language }) => language);

const GENDERS: Readonly<Record<string, 'female' | 'male'>> = { f: 'female', m: 'male' };

/** `af_heart` is an American woman called Heart; a later model may stand in the middle, as in `af_v0bella`. */
const NAMING = /^([abefhijpz])([fm])_(.+)$/u;

const asName = (words: string): string =>
  words
    .split('_')
    .map((word) => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`)
    .join(' ');

/** The names of a mixture, such as `af_bella(2)+bf_emma`. */
export const mixedVoices = (id: string): string[] =>
  id.split(/[+-]/u).map((part) => part.replace(/\(.*$/u, '').trim());

/** The code of a voice unless another is requested: its first letter. */
const ownCode = (voiceId: string): string | undefined => NAMING.exec(voiceId)?.[1];

/** A voice by its name. One outside the naming, which an operator may have added, is taken for English. */
export const kokoroVoice = (id: string): Voice => {
  const [first = id] = mixedVoices(id);
  const [, code = '', genderLetter = '', rest] = NAMING.exec(first) ?? [];
  const { language, accent } = LANGUAGES[code] ?? { language: 'en-US' };
  const gender = first === id ? GENDERS[genderLetter] : undefined;
  return {
    id,
    name: first === id && rest !== undefined ? asName(rest) : id,
    languages: [language],
    ...(gender === undefined ? {} : { gender }),
    ...(accent === undefined ? {} : { accent }),
  };
};

/**
 * The `lang_code` to send, if any: the service uses the first letter of the voice's name, so only a voice named
 * otherwise, or another region of its language, needs one.
 *
 * @returns undefined when the service would choose the same
 */
export const langCodeOf = (voice: Voice, language: string | undefined): string | undefined => {
  const wanted = (language ?? voice.languages[0] ?? 'en-US').toLowerCase();
  const own = ownCode(voice.id);
  const ownLanguage = own === undefined ? undefined : LANGUAGES[own]?.language;
  const exact = Object.keys(LANGUAGES).find((code) => LANGUAGES[code]?.language.toLowerCase() === wanted);
  // `en` or `en-AU` says nothing of America or Britain: the voice's own will do.
  const isOwn = ownLanguage !== undefined && primaryTag(ownLanguage) === primaryTag(wanted);
  if (exact === undefined && isOwn) return undefined;
  const code =
    exact ??
    Object.keys(LANGUAGES).find((key) => primaryTag(LANGUAGES[key]?.language ?? '') === primaryTag(wanted));
  return code === own ? undefined : code;
};

/** The voices of release 1.0 that its authors grade best, at least one of each language and gender. */
export const KOKORO_VOICES: readonly Voice[] = (
  'af_heart af_bella af_nicole af_sarah am_michael am_fenrir am_puck bf_emma bf_isabella bm_george bm_fable ef_dora ' +
  'em_alex ff_siwis hf_alpha hm_omega if_sara im_nicola jf_alpha jm_kumo pf_dora pm_alex zf_xiaobei zm_yunxi'
)
  .split(' ')
  .map(kokoroVoice);
