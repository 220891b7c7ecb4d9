import { type SentenceRules, sentenceRulesOf } from './sentence-rules.ts';

/** Longest abbreviation looked for, with room for a bracket before it. */
const LONGEST_ABBREVIATION = 8;

/** Latin, then the Greek and Arabic-script question marks, dandas, and the stops of Urdu, Armenian, Ethiopic, Burmese, Khmer. */
const SENTENCE_MARKS =
  '.!?\u2026\u203c\u2047\u2048\u2049\u061f\u06d4\u0964\u0965\u0589\u1362\u1367\u104b\u17d4\u17d5';
/** Marks of scripts that put no space after a sentence. */
const UNSPACED_MARKS = '\u3002\uff01\uff1f\uff61';
const CLAUSE_MARKS = ',;:\u2014\u2013\u060c\u061b\u0387\u00b7\u055d\u1363\u1364\u1365\u104a';
/** Clause marks of scripts that put no space after them. */
const UNSPACED_CLAUSE_MARKS = '\uff0c\u3001\uff1b\uff1a\uff64';
/** Closing marks; German and Nordic quotations close with those that open English and French ones. */
const CLOSERS =
  '"\')]}\u201d\u2019\u00bb\u201c\u2018\u00ab\u203a\u2039\u300d\u300f\uff09\u3011\u300b\u3009\u301f\uff02\uff3d';
const OPENERS = /[^\s"'([{\u201c\u2018\u201e\u201a\u00ab\u00bb\u2039\u203a\u00bf\u00a1\u300c\u300e\uff08]*$/u;
const WRITTEN_UNSPACED =
  /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}]/u;
const ORDINAL = /^(?:\d{1,2}|[IVXLC]{2,6})$/u;

const isSpaceAt = (text: string, index: number): boolean => index >= text.length || text[index] === ' ';

const skip = (text: string, index: number, marks: string): number => {
  let end = index;
  while (end < text.length && marks.includes(text.charAt(end))) end += 1;
  return end;
};

/** True for the stop of `Mr.`, of an initial as in `J. Smith` (but `I.` ends a sentence), and of an ordinal. */
const isAbbreviationBefore = (text: string, stop: number, rules: SentenceRules): boolean => {
  const before = text.slice(Math.max(0, stop - LONGEST_ABBREVIATION - 1), stop);
  const word = before.slice(before.search(OPENERS));
  if (rules.isLoneLetter(word) || rules.abbreviations.has(word.toLowerCase())) return true;
  return rules.hasOrdinals && ORDINAL.test(word);
};

/** Behind the quotation mark that closes what ends here; French puts a blank before it. */
const skipClosers = (text: string, index: number, { hasInnerBlanks }: SentenceRules): number => {
  const end = skip(text, index, CLOSERS);
  return hasInnerBlanks && /^ [\u00bb\u203a]/u.test(text.slice(end, end + 2)) ? end + 2 : end;
};

/** A quotation that the sentence around it goes on from, as in \u300c...\u300d\u3068\u8a00\u3063\u305f. */
const isQuotedBefore = (text: string, end: number): boolean =>
  /[\u300d\u300f]/u.test(text.charAt(end - 1)) && /^(?:\u3068|\u3063\u3066)/u.test(text.slice(end, end + 2));

/**
 * Offsets just behind each sentence of a text whose white space is single blanks; the last is the text's end.
 * @param language BCP 47. Default: English, with the sentence marks of every script.
 */
export const sentenceBreaks = (text: string, language?: string): number[] => {
  const rules = sentenceRulesOf(language);
  const allMarks = SENTENCE_MARKS + UNSPACED_MARKS + rules.moreMarks;
  const breaks: number[] = [];
  for (let index = 0; index < text.length; ) {
    const afterMarks = skip(text, index, allMarks);
    if (afterMarks === index) {
      index += 1;
      continue;
    }
    const end = skipClosers(text, afterMarks, rules);
    if (endsSentence(text, { index, afterMarks, end }, rules)) breaks.push(end);
    index = end;
  }
  return closeAt(breaks, text.length);
};

interface Ending {
  /** Where the first mark stands. */
  readonly index: number;
  readonly afterMarks: number;
  /** Behind what closes after the marks. */
  readonly end: number;
}

const endsSentence = (text: string, { index, afterMarks, end }: Ending, rules: SentenceRules): boolean => {
  if (isQuotedBefore(text, end)) return false;
  if (UNSPACED_MARKS.includes(text.charAt(index))) return true;
  // `!` and `?` of ASCII stand in Chinese and Japanese too, with no blank behind them.
  const isTall = /[!?]/u.test(text.slice(index, afterMarks));
  if (rules.isUnspaced && isTall && WRITTEN_UNSPACED.test(text.charAt(end))) return true;
  if (!isSpaceAt(text, end) || /\p{Ll}/u.test(text.charAt(end + 1))) return false;
  const isLoneStop = afterMarks - index === 1 && text[index] === '.';
  return !(isLoneStop && isAbbreviationBefore(text, index, rules));
};

/**
 * Offsets just behind each clause: commas, semicolons, colons, and dashes that stand alone; in scripts without blanks
 * between words, a blank.
 */
export const clauseBreaks = (text: string, language?: string): number[] => {
  const { isUnspaced, moreMarks } = sentenceRulesOf(language);
  const breaks: number[] = [];
  for (let index = 0; index < text.length; index += 1) {
    const mark = text.charAt(index);
    if (isUnspaced && mark === ' ' && WRITTEN_UNSPACED.test(text.charAt(index - 1))) {
      breaks.push(index);
      continue;
    }
    const isDash = mark === '-' && (index === 0 || ' -'.includes(text.charAt(index - 1)));
    const isUnspacedMark = UNSPACED_CLAUSE_MARKS.includes(mark);
    if (!isDash && !isUnspacedMark && (!CLAUSE_MARKS.includes(mark) || moreMarks.includes(mark))) continue;
    const end = skip(text, index + 1, CLOSERS);
    if (isUnspacedMark || isSpaceAt(text, end)) breaks.push(end);
    index = end - 1;
  }
  return closeAt(breaks, text.length);
};

/** Offsets just behind each word; where words have no blanks between them, by the dictionaries of ICU. */
export const wordBreaks = (text: string, language?: string): number[] => {
  const { isUnspaced, hasInnerBlanks } = sentenceRulesOf(language);
  if (isUnspaced) return segmentedBreaks(text, language);
  const breaks: number[] = [];
  for (let index = text.indexOf(' '); index !== -1; index = text.indexOf(' ', index + 1)) {
    if (hasInnerBlanks && /^[?!;:\u00bb]/u.test(text.slice(index + 1, index + 2))) continue;
    breaks.push(index);
  }
  return closeAt(breaks, text.length);
};

/** A break before a blank, never behind it, so that the blank stays with the next word; none before a mark. */
const segmentedBreaks = (text: string, language: string | undefined): number[] => {
  const breaks: number[] = [];
  const segmenter = new Intl.Segmenter(language?.replaceAll('_', '-'), { granularity: 'word' });
  let isBehindBlank = true;
  for (const { index, segment, isWordLike } of segmentsOf(text, segmenter)) {
    if (!isBehindBlank && (isWordLike || segment === ' ')) breaks.push(index);
    isBehindBlank = segment === ' ';
  }
  return closeAt(breaks, text.length);
};

const closeAt = (breaks: number[], end: number): number[] => {
  if (end > 0 && breaks.at(-1) !== end) breaks.push(end);
  return breaks;
};

/** Segmenting a long text in one go takes time that grows with its square (V8 of Node 20), so it is done by windows. */
const WINDOW_CHARACTERS = 512;
/** What ends so near to a window's end may go on behind it. */
const MARGIN_CHARACTERS = 64;

export interface TextSegment {
  readonly index: number;
  readonly segment: string;
  readonly isWordLike: boolean;
}

/** The segments of a text of any length, in order and without a gap. */
export function* segmentsOf(text: string, segmenter: Intl.Segmenter): Generator<TextSegment> {
  for (let start = 0; start < text.length; ) {
    const view = text.slice(start, start + WINDOW_CHARACTERS);
    const settled = start + WINDOW_CHARACTERS < text.length ? view.length - MARGIN_CHARACTERS : view.length;
    let taken = 0;
    for (const { index, segment, isWordLike } of segmenter.segment(view)) {
      const end = index + segment.length;
      if (end > settled && taken > 0) break;
      yield { index: start + index, segment, isWordLike: isWordLike === true };
      taken = end;
    }
    start += taken;
  }
}
