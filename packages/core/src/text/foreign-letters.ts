import { lengthOf } from './text-faults.ts';

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

/** Scripts by which a language is written beside its usual one, as ISO 15924 names them. */
const OTHER_SCRIPTS: Readonly<Record<string, string>> = {
  az: 'Cyrl Arab',
  be: 'Latn',
  bs: 'Cyrl',
  cdo: 'Latn',
  chr: 'Latn',
  cr: 'Latn',
  crh: 'Latn',
  gag: 'Cyrl',
  ha: 'Arab',
  hak: 'Latn',
  hbs: 'Cyrl',
  iu: 'Latn',
  jv: 'Java Arab',
  kaa: 'Latn Arab',
  kab: 'Tfng',
  kk: 'Latn Arab',
  kok: 'Latn Knda',
  krl: 'Cyrl',
  ks: 'Deva',
  ku: 'Arab Cyrl',
  ky: 'Latn Arab',
  lad: 'Latn',
  mn: 'Mong',
  mni: 'Mtei Latn',
  ms: 'Arab',
  nan: 'Latn',
  oj: 'Latn',
  pa: 'Arab',
  ro: 'Cyrl',
  sa: 'Latn',
  sat: 'Latn Deva Beng',
  sd: 'Deva',
  sh: 'Cyrl',
  shi: 'Latn',
  sr: 'Latn',
  tg: 'Arab Latn',
  tk: 'Cyrl Arab',
  tt: 'Latn',
  ug: 'Cyrl Latn',
  uz: 'Cyrl Arab',
  zgh: 'Latn',
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
  const [primary = '', second = ''] = language.toLowerCase().split(/[-_]/);
  if (/^[a-z]{4}$/.test(second)) {
    const named = `${second.charAt(0).toUpperCase()}${second.slice(1)}`;
    return lettersBeside(COMPOUNDS[named] ?? named);
  }
  const likely = likelyScript(primary);
  if (likely === undefined) return undefined;
  const other = Object.hasOwn(OTHER_SCRIPTS, primary) ? ` ${OTHER_SCRIPTS[primary]}` : '';
  return lettersBeside((COMPOUNDS[likely] ?? likely) + other);
};
