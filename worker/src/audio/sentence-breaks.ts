/** Titles and the like, which end in a full stop and are followed by a capital all the same. */
const ABBREVIATIONS = new Set(
  'mr mrs ms mx dr prof st sr jr vs no fig vol capt col gen lt sgt cpl maj rev hon messrs mme mlle mt ft e.g i.e cf approx'.split(
    ' ',
  ),
);
const LONGEST_ABBREVIATION = 8;

const SENTENCE_MARKS = '.!?\u2026';
/** Marks of scripts that put no space after a sentence. */
const UNSPACED_MARKS = '\u3002\uff01\uff1f';
const CLAUSE_MARKS = ',;:\u2014\u2013';
const CLOSERS = '"\')]}\u201d\u2019\u00bb';

const isSpaceAt = (text: string, index: number): boolean => index >= text.length || text[index] === ' ';

const skip = (text: string, index: number, marks: string): number => {
  let end = index;
  while (end < text.length && marks.includes(text.charAt(end))) end += 1;
  return end;
};

/** True for the stop of `Mr.` and of an initial as in `J. Smith` (but `I.` ends a sentence). */
const isAbbreviationBefore = (text: string, stop: number): boolean => {
  const before = text.slice(Math.max(0, stop - LONGEST_ABBREVIATION - 1), stop);
  const word = before.slice(before.search(/[^\s"'([\u201c\u2018]*$/u));
  return /^[A-HJ-Z]$/u.test(word) || ABBREVIATIONS.has(word.toLowerCase());
};

/** Offsets just behind each sentence of a text whose white space is single blanks; the last is the text's end. */
export const sentenceBreaks = (text: string): number[] => {
  const breaks: number[] = [];
  for (let index = 0; index < text.length; ) {
    const isUnspaced = UNSPACED_MARKS.includes(text.charAt(index));
    const afterMarks = skip(text, index, SENTENCE_MARKS + UNSPACED_MARKS);
    if (afterMarks === index) {
      index += 1;
      continue;
    }
    const end = skip(text, afterMarks, CLOSERS);
    const isLoneStop = afterMarks - index === 1 && text[index] === '.';
    const goesOn = /\p{Ll}/u.test(text.charAt(end + 1)) || (isLoneStop && isAbbreviationBefore(text, index));
    if (isUnspaced || (isSpaceAt(text, end) && !goesOn)) breaks.push(end);
    index = end;
  }
  return closeAt(breaks, text.length);
};

/** Offsets just behind each clause: commas, semicolons, colons, and dashes that stand alone. */
export const clauseBreaks = (text: string): number[] => {
  const breaks: number[] = [];
  for (let index = 0; index < text.length; index += 1) {
    const isDash = text[index] === '-' && (index === 0 || ' -'.includes(text.charAt(index - 1)));
    if (!isDash && !CLAUSE_MARKS.includes(text.charAt(index))) continue;
    const end = skip(text, index + 1, CLOSERS);
    if (isSpaceAt(text, end)) breaks.push(end);
    index = end - 1;
  }
  return closeAt(breaks, text.length);
};

/** Offsets just behind each word. */
export const wordBreaks = (text: string): number[] => {
  const breaks: number[] = [];
  for (let index = text.indexOf(' '); index !== -1; index = text.indexOf(' ', index + 1)) breaks.push(index);
  return closeAt(breaks, text.length);
};

const closeAt = (breaks: number[], end: number): number[] => {
  if (end > 0 && breaks.at(-1) !== end) breaks.push(end);
  return breaks;
};
