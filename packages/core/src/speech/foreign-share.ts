import { foreignLettersOf } from './foreign-letters.ts';
import { lengthOf } from './text-faults.ts';

const LETTERS = /\p{L}+/gu;
const LATIN_WORDS = /\p{Script=Latin}+/gu;
/**
 * Latin words that stand for one letter of Chinese, Japanese or Korean: a sentence may hold more names than words of its
 * own, as “Tom和Jerry去了New York” does, while an English one holds a Chinese name at most.
 */
const LATIN_WORDS_PER_LETTER = 3;

/** Which part of a text is not in the script of its language, 0 to 1; 0 when that cannot be told. */
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
