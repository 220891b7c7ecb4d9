import type { ErrorCode } from '../errors/catalogue.ts';
import { foreignShare, findTextFault, withoutIgnorables } from './text-faults.ts';

/** Limits of what is narrated in one piece. */
export interface StoryLimits {
  readonly minCharacters: number;
  readonly maxCharacters: number;
  /** Language codes without region, such as `en`. Absent: every language, if its tag has the shape of one. */
  readonly languages?: readonly string[] | undefined;
}

/** What the embedded engine can speak. */
export const DEFAULT_STORY_LIMITS: StoryLimits & { readonly languages: readonly string[] } = {
  minCharacters: 1,
  maxCharacters: 20_000,
  languages: ['en'],
};

export type StoryCheck =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly code: ErrorCode;
      readonly field: 'text' | 'language';
      readonly sentence: string;
    };

/** More than this share of letters in a foreign script means the language was chosen wrongly. */
const MAX_FOREIGN_SHARE = 0.5;

/**
 * An address is spelled out at best; a text of nothing else is none. Each ends where ASCII does, since Chinese goes on
 * behind it without a blank, and each repetition that may fail has a bound, or long words take minutes.
 */
const LINK = /\b(?:[a-z][a-z+.-]{0,20}:\/\/|www\.)[!-~]+/giu;
const MAIL = /[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}/gu;

const withoutAddresses = (text: string): string => {
  const rest = /:\/\/|www\./iu.test(text) ? text.replace(LINK, '') : text;
  return rest.includes('@') ? rest.replace(MAIL, '') : rest;
};

const refuse = (code: ErrorCode, field: 'text' | 'language', sentence: string): StoryCheck => ({
  ok: false,
  code,
  field,
  sentence: `${field}: ${sentence}`,
});

const tooShort = ({ minCharacters }: StoryLimits): StoryCheck =>
  refuse('text_too_short', 'text', `must be at least ${minCharacters} characters`);

const findLanguageFault = (language: string, spoken: StoryLimits['languages']): string | undefined => {
  if (spoken === undefined)
    return isLanguageTag(language) ? undefined : `"${language}" is not a language tag such as "en"`;
  return spoken.includes(primaryLanguage(language))
    ? undefined
    : `"${language}" is not one of ${spoken.join(', ')}`;
};

/**
 * Checks a story before any work is spent on it: length, encoding, language and script.
 *
 * @example
 * checkStory({ text: 'Once upon a time.', language: 'en' }, DEFAULT_STORY_LIMITS); // { ok: true }
 */
export const checkStory = (story: { text: string; language: string }, limits: StoryLimits): StoryCheck => {
  const { text } = story;
  const language = primaryLanguage(story.language);
  const length = text.trim().length;
  if (length === 0) return refuse('text_empty', 'text', 'there is nothing to read');
  if (length < limits.minCharacters) return tooShort(limits);
  if (length > limits.maxCharacters) {
    return refuse(
      'text_too_long',
      'text',
      `must be at most ${limits.maxCharacters} characters, not ${length}`,
    );
  }
  const fault = findTextFault(text);
  if (fault !== undefined) return refuse('text_encoding_invalid', 'text', fault);
  const languageFault = findLanguageFault(story.language, limits.languages);
  if (languageFault !== undefined) return refuse('language_unsupported', 'language', languageFault);
  const spoken = withoutAddresses(text);
  if (!/[\p{L}\p{N}]/u.test(spoken))
    return refuse('text_not_speakable', 'text', 'holds no letter and no number');
  if (limits.minCharacters > 1 && withoutIgnorables(text).trim().length < limits.minCharacters)
    return tooShort(limits);
  if (foreignShare(spoken, story.language) > MAX_FOREIGN_SHARE) {
    return refuse('script_unsupported', 'text', `is not written in the script of "${language}"`);
  }
  return { ok: true };
};

/** The longest well-formed tag without extensions. @see https://www.rfc-editor.org/rfc/rfc5646#section-4.4.1 */
const MAX_CHARACTERS = 35;
const TAG = /^[a-z]{2,8}(?:[-_][a-z0-9]{1,8})*$/i;

/**
 * The code without its region: `en-GB` and `en_US` are `en`.
 *
 * @example
 * primaryLanguage('en-GB'); // 'en'
 */
export const primaryLanguage = (language: string): string => language.toLowerCase().split(/[-_]/)[0] ?? '';

/** Whether a text has the shape of a BCP 47 tag, `_` for `-` allowed; the language need not exist. */
export const isLanguageTag = (text: string): boolean => text.length <= MAX_CHARACTERS && TAG.test(text);
