import { isWellFormed } from '../callback/index.ts';
import type { ErrorCode } from '../errors/index.ts';

/** Limits of what is narrated in one piece. */
export interface StoryLimits {
  readonly minCharacters: number;
  readonly maxCharacters: number;
  /** Language codes without region, such as `en`. */
  readonly languages: readonly string[];
}

/** What the embedded engine can speak; a deployment with other engines says so in its configuration. */
export const DEFAULT_STORY_LIMITS: StoryLimits = {
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

/**
 * Scripts that a language is written in, where it is not Latin. Script extensions, because letters such as the
 * Japanese long vowel mark belong to several scripts.
 * @see https://www.unicode.org/reports/tr24/
 */
const SCRIPTS: Readonly<Record<string, RegExp>> = {
  ar: /\p{scx=Arabic}/u,
  bg: /\p{scx=Cyrillic}/u,
  el: /\p{scx=Greek}/u,
  fa: /\p{scx=Arabic}/u,
  he: /\p{scx=Hebrew}/u,
  hi: /\p{scx=Devanagari}/u,
  ja: /[\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Han}]/u,
  ko: /[\p{scx=Hangul}\p{scx=Han}]/u,
  ru: /\p{scx=Cyrillic}/u,
  ta: /\p{scx=Tamil}/u,
  th: /\p{scx=Thai}/u,
  uk: /\p{scx=Cyrillic}/u,
  ur: /\p{scx=Arabic}/u,
  zh: /\p{scx=Han}/u,
};
const LATIN = /\p{scx=Latin}/u;
/** More than this share of letters in a foreign script means the language was chosen wrongly. */
const MAX_FOREIGN_SHARE = 0.5;

/** The code without its region: `en-GB` and `en_US` are `en`. */
export const primaryLanguage = (language: string): string => language.toLowerCase().split(/[-_]/)[0] ?? '';

const foreignShare = (text: string, language: string): number => {
  const script = SCRIPTS[language] ?? LATIN;
  const letters = text.match(/\p{L}/gu) ?? [];
  if (letters.length === 0) return 0;
  return letters.filter((letter) => !script.test(letter)).length / letters.length;
};

const refuse = (code: ErrorCode, field: 'text' | 'language', sentence: string): StoryCheck => ({
  ok: false,
  code,
  field,
  sentence: `${field}: ${sentence}`,
});

/** Checks a story before any work is spent on it: length, encoding, language and script. */
export const checkStory = (story: { text: string; language: string }, limits: StoryLimits): StoryCheck => {
  const { text } = story;
  const language = primaryLanguage(story.language);
  const length = text.trim().length;
  if (length === 0) return refuse('text_empty', 'text', 'there is nothing to read');
  if (length < limits.minCharacters) {
    return refuse('text_too_short', 'text', `must be at least ${limits.minCharacters} characters`);
  }
  if (length > limits.maxCharacters) {
    return refuse(
      'text_too_long',
      'text',
      `must be at most ${limits.maxCharacters} characters, not ${length}`,
    );
  }
  if (!isWellFormed(text) || /[\p{Cc}\uFFFD]/u.test(text.replace(/[\t\n\f\r]/g, ''))) {
    return refuse('text_encoding_invalid', 'text', 'holds control characters or broken Unicode');
  }
  if (!limits.languages.includes(language)) {
    return refuse(
      'language_unsupported',
      'language',
      `"${story.language}" is not one of ${limits.languages.join(', ')}`,
    );
  }
  if (!/[\p{L}\p{N}]/u.test(text))
    return refuse('text_not_speakable', 'text', 'holds no letter and no number');
  if (foreignShare(text, language) > MAX_FOREIGN_SHARE) {
    return refuse('script_unsupported', 'text', `is not written in the script of "${language}"`);
  }
  return { ok: true };
};
