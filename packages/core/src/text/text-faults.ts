import { isWellFormed } from '../storable/document.ts';

/** Control characters that are no white space, halves of surrogates' replacement, and what is no character at all. */
const UNREADABLE = /[^\P{Cc}\t\n\v\f\r]|[\uFFFD\p{Noncharacter_Code_Point}]/u;
/** Characters without a meaning of their own: their font gives them one, as logos and icons. */
const NAMELESS = /[\p{Co}\p{Cn}]+/gu;
const IGNORABLE = /\p{Default_Ignorable_Code_Point}+/gu;
/** Accents and vowel signs; what makes an emoji of a digit or heart is none. */
const MARK = /[^\P{M}\p{Default_Ignorable_Code_Point}\u20dd-\u20e4]+/gu;
const LETTER = /\p{L}+/gu;
/** No text needs more marks on one letter. @see https://www.unicode.org/reports/tr15/#Stream_Safe_Text_Format */
const TOWER = /\p{M}{31}/u;
/** UTF-8 that was read as Latin-1 or Windows-1252: a letter of two bytes, or a mark of three. */
const MISREAD =
  /[\u00c2\u00c3\u00d0\u00d1][\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]|\u00e2\u20ac[\u0080-\u00bf\u0153\u0161\u017e\u02dc\u2019-\u203a\u20ac\u2122]/gu;
/** Words in capitals that end in such a letter, before punctuation: “AMANHÃ…”, “VIÐ”. */
const CAPITAL_AT_END =
  /(?<=\p{Lu})[\u00c2\u00c3\u00d0\u00d1][\u00a0\u00ab\u00bb\u2013\u2014\u2018-\u201e\u2022\u2026\u2039\u203a](?!\p{L})/gu;
const NOT_ASCII = /[\u0080-\uffff]+/g;

/** Scripts with accents and vowel signs reach 1.5 marks a letter. */
const MOST_MARKS_PER_LETTER = 3;
const ALLOWED_MARKS = 10;
/** Joined emoji and Persian need some characters that are not seen; a text of which half are such hides something. */
const FREE_IGNORABLES = 64;
/** More than a stray logo or two. */
const MOST_NAMELESS_SHARE = 0.1;
const LEAST_MISREAD = 3;
const LEAST_MISREAD_SHARE = 0.4;

/** How much of a text a pattern of runs finds, in UTF-16 units: several times as fast as counting characters. */
export const lengthOf = (text: string, runs: RegExp): number => text.match(runs)?.join('').length ?? 0;

const nameOf = (character: string): string =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;

/** The text without characters that are not visible. */
export const withoutIgnorables = (text: string): string => text.replace(IGNORABLE, '');

const countOf = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;

/** @param foreign how many characters of the text, all of which are in `rest`, are not ASCII */
const isMisread = (text: string, rest: string, foreign: number): boolean => {
  const least = Math.max(LEAST_MISREAD, foreign * LEAST_MISREAD_SHARE);
  const pairs = countOf(rest, MISREAD);
  return pairs >= least && pairs - countOf(text, CAPITAL_AT_END) >= least;
};

/**
 * Why a text cannot be what a person wrote, in words that follow its name; undefined when it can. What people do write
 * passes in every script: emoji, soft hyphens, byte order marks, marks of direction, letters of mathematics.
 */
export const findTextFault = (text: string): string | undefined => {
  if (!isWellFormed(text)) return 'holds control characters or broken Unicode: half of a surrogate pair';
  const unreadable = UNREADABLE.exec(text);
  if (unreadable !== null)
    return `holds control characters or broken Unicode: ${nameOf(unreadable[0])} at ${unreadable.index}`;
  // Most text ends here: what follows is made of other characters.
  const runs = text.match(NOT_ASCII);
  if (runs === null) return undefined;
  const rest = runs.join(' ');
  const foreign = rest.length - runs.length + 1;
  if (lengthOf(rest, NAMELESS) > Math.max(4, foreign * MOST_NAMELESS_SHARE))
    return 'holds characters that have no meaning without their font';
  if (isMisread(text, rest, foreign)) return 'is UTF-8 that was read in another encoding';
  const ignorable = lengthOf(rest, IGNORABLE);
  if (ignorable > FREE_IGNORABLES && withoutIgnorables(text).length < text.length / 2)
    return 'is mostly characters that are not seen';
  const marks = lengthOf(rest, MARK);
  if (marks <= ALLOWED_MARKS) return undefined;
  if (TOWER.test(rest) || (marks > lengthOf(text, LETTER) * MOST_MARKS_PER_LETTER && marks > foreign / 2))
    return 'holds more accents than letters';
  return undefined;
};

const LETTERS = /\p{L}+/gu;
const LATIN_WORDS = /\p{Script=Latin}+/gu;
/**
 * Latin words that stand for one letter of Chinese, Japanese or Korean: a sentence may hold more names than words of its
 * own, as “Tom和Jerry去了New York” does, while an English one holds a Chinese name at most.
 */
const LATIN_WORDS_PER_LETTER = 3;

/** Which part of a text is not in the script of its language, 0 to 1; 0 when that is unknown. */
export const foreignShare = (text: string, language: string): number => {
  const letters = foreignLettersOf(language);
  if (letters === undefined) return 0;
  const foreign = lengthOf(text, letters.runs);
  const own = lengthOf(text, LETTERS) - foreign;
  if (!letters.isDense) return foreign / Math.max(1, foreign + own);
  const names = text.match(letters.runs)?.join(' ').match(LATIN_WORDS) ?? [];
  const weight = foreign - names.join('').length + names.length / LATIN_WORDS_PER_LETTER;
  return weight === 0 ? 0 : weight / (weight + own);
};

/** Languages that are written in a script beside their usual one, by the script's name of ISO 15924. */
const ALSO_WRITTEN_IN: Readonly<Record<string, string>> = {
  Latn: 'be cdo chr cr crh hak iu kaa kk kok ky lad mni nan oj sa sat shi sr tg tt ug zgh',
  Arab: 'az ha jv kaa kk ku ky ms pa tg tk uz',
  Cyrl: 'az bs gag hbs krl ku ro sh tk ug uz',
  Deva: 'ks sat sd',
  Java: 'jv',
  Tfng: 'kab',
  Knda: 'kok',
  Mong: 'mn',
  Mtei: 'mni',
  Beng: 'sat',
};
/** Scripts of CLDR that are several of Unicode's. */
const COMPOUNDS: Readonly<Record<string, string>> = {
  Hans: 'Hani Bopo',
  Hant: 'Hani Bopo',
  Jpan: 'Hira Kana Hani',
  Kore: 'Hang Hani',
};

/** Scripts of which one letter is a syllable or a word. */
const DENSE = /\b(?:Hani|Hang|Hira|Kana)\b/;

/** The letters that a language is not written with. */
export interface ForeignLetters {
  /** Runs of them, global; letters of no script, such as those of mathematics, are of every language. */
  readonly runs: RegExp;
  /** Whether one letter of the language is worth several of an alphabet, so that a count of letters means little. */
  readonly isDense: boolean;
}

/** Undetermined, several, and none: CLDR would call the first of them Latin. */
const NO_LANGUAGES = new Set(['und', 'mul', 'zxx']);

const likelyScript = (language: string): string | undefined => {
  if (NO_LANGUAGES.has(language)) return undefined;
  try {
    return new Intl.Locale(language).maximize().script;
  } catch {
    return undefined;
  }
};

const known = new Map<string, ForeignLetters | undefined>();

/** Script extensions, because letters such as the Japanese long vowel mark belong to several scripts. */
const lettersBeside = (scripts: string): ForeignLetters | undefined => {
  if (!known.has(scripts)) {
    const classes = scripts.split(' ').map((script) => `\\p{scx=${script}}`);
    try {
      const runs = new RegExp(`[^\\P{L}${classes.join('')}\\p{sc=Zyyy}\\p{sc=Zinh}]+`, 'gu');
      known.set(scripts, { runs, isDense: DENSE.test(scripts) });
    } catch {
      // A script that this engine's Unicode does not know yet.
      known.set(scripts, undefined);
    }
  }
  return known.get(scripts);
};

/**
 * The letters that this language is not written with. The script is the one that the tag says (`sr-Latn`), else those
 * that CLDR and custom give the language. Undefined when that is unknown, and then every script is right.
 *
 * @param language BCP 47, `_` for `-` allowed
 * @see https://www.unicode.org/reports/tr24/ and https://cldr.unicode.org likely subtags
 */
export const foreignLettersOf = (language: string): ForeignLetters | undefined => {
  if (last?.language !== language) last = { language, letters: readForeignLetters(language) };
  return last.letters;
};

/** Stories of one language often follow each other. */
let last: { readonly language: string; readonly letters: ForeignLetters | undefined } | undefined;

const readForeignLetters = (language: string): ForeignLetters | undefined => {
  const [primary = '', second = ''] = language.toLowerCase().split(/[-_]/);
  if (/^[a-z]{4}$/.test(second)) {
    const named = `${second.charAt(0).toUpperCase()}${second.slice(1)}`;
    return lettersBeside(COMPOUNDS[named] ?? named);
  }
  const likely = likelyScript(primary);
  if (likely === undefined) return undefined;
  const others = Object.keys(ALSO_WRITTEN_IN).filter((one) =>
    ALSO_WRITTEN_IN[one]?.split(' ').includes(primary),
  );
  return lettersBeside([COMPOUNDS[likely] ?? likely, ...others].join(' '));
};
