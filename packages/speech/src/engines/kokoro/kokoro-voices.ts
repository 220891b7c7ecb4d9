import { primaryTag, type Voice } from '../engine.ts';
import facts from './kokoro-voices.json' with { type: 'json' };

/** By the first letter of a voice's name, which is also the service's `lang_code`. */
const LANGUAGES: Readonly<Record<string, { readonly language: string; readonly accent?: string }>> =
  facts.languages;

/** BCP 47 tags of all that Kokoro speaks. */
export const KOKORO_LANGUAGES: readonly string[] = Object.values(LANGUAGES).map(({ language }) => language);

const GENDERS: Readonly<Record<string, 'female' | 'male'>> = { f: 'female', m: 'male' };

/** `af_heart` is an American woman called Heart; a later model may stand in the middle, as in `af_v0bella`. */
const NAMING = /^([abefhijpz])([fm])_(.+)$/u;

const asName = (words: string): string =>
  words.replaceAll('_', ' ').replace(/(?<=^| )./gu, (letter) => letter.toUpperCase());

/** The names of a mixture, such as `af_bella(2)+bf_emma`. */
export const mixedVoices = (id: string): string[] =>
  id.split(/[+-]/u).map((part) => part.replace(/\(.*$/u, '').trim());

/** A voice by its name. One outside the naming, which an operator may have added, is taken for English. */
export const kokoroVoice = (id: string): Voice => {
  const [first = id] = mixedVoices(id);
  const [, code = '', genderLetter = '', rest] = NAMING.exec(first) ?? [];
  const { language, accent } = LANGUAGES[code] ?? { language: 'en-US' };
  const isMixed = first !== id;
  return {
    id,
    name: isMixed || rest === undefined ? id : asName(rest),
    languages: [language],
    gender: isMixed ? undefined : GENDERS[genderLetter],
    accent,
  };
};

/**
 * The `lang_code` to send: the service uses the first letter of the voice's name, so only a voice named otherwise, or
 * another region of its language, needs one.
 *
 * @returns undefined when the service would choose the same
 */
export const langCodeOf = (voice: Voice, language: string | undefined): string | undefined => {
  const wanted = (language ?? voice.languages[0] ?? 'en-US').toLowerCase();
  const own = NAMING.exec(voice.id)?.[1];
  const codes = Object.entries(LANGUAGES).map(([code, known]) => ({
    code,
    tag: known.language.toLowerCase(),
  }));
  const alike = codes.filter(({ tag }) => primaryTag(tag) === primaryTag(wanted));
  const exact = codes.find(({ tag }) => tag === wanted)?.code;
  // `en` or `en-AU` says nothing of America or Britain: the voice's own will do.
  if (exact === undefined && alike.some(({ code }) => code === own)) return undefined;
  const code = exact ?? alike[0]?.code;
  return code === own ? undefined : code;
};

/** The voices of release 1.0 that its authors grade best, at least one of each language and gender. */
export const KOKORO_VOICES: readonly Voice[] = facts.voices.map(kokoroVoice);
