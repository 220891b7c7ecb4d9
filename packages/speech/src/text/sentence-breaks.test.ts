import { describe, expect, test } from 'vitest';
import { clauseBreaks, sentenceBreaks, wordBreaks } from './sentence-breaks.ts';

const cut = (text: string, breaks: readonly number[]): string[] =>
  breaks.map((end, index) => text.slice(index === 0 ? 0 : breaks[index - 1], end).trim());

describe('sentenceBreaks', () => {
  test.each([
    ['One. Two! Three? Four', 'One.|Two!|Three?|Four'],
    ['Mr. Finn met Mrs. Doe on St. Mary St. They spoke.', null],
    ['Mr. Finn came. He sat.', 'Mr. Finn came.|He sat.'],
    ['She asked (vs. Dr. No) why. Nobody knew.', 'She asked (vs. Dr. No) why.|Nobody knew.'],
    ['J. R. R. Tolkien wrote it. It was I. He knew.', 'J. R. R. Tolkien wrote it.|It was I.|He knew.'],
    ['"Stop!" he cried. "Why?" She ran.', '"Stop!" he cried.|"Why?"|She ran.'],
    ['Fruit, e.g. apples, etc. and so on. Done.', 'Fruit, e.g. apples, etc. and so on.|Done.'],
    ['It cost 3.50 at a.b.com today. Yes.', 'It cost 3.50 at a.b.com today.|Yes.'],
    ['Well... perhaps. Well... Perhaps.', 'Well... perhaps.|Well...|Perhaps.'],
    ['What?! (Really.) Yes', 'What?!|(Really.)|Yes'],
    ['\u4f60\u597d\u3002\u518d\u89c1\uff01', '\u4f60\u597d\u3002|\u518d\u89c1\uff01'],
    ['', ''],
  ])('%j', (text, expected) => {
    const sentences = cut(text, sentenceBreaks(text)).join('|');
    expect(sentences).toBe(expected ?? text);
  });

  test.each(['.', '!', '."', '. ', 'a. B ', '\u3002', 'Mr. '])(
    'takes a long run of %j in its stride',
    (unit) => {
      const text = unit.repeat(100_000);
      expect(sentenceBreaks(text).at(-1)).toBe(text.length);
    },
  );
});

test.each([
  ['He came, he saw; he left: gone', 'He came,|he saw;|he left:|gone'],
  ['At 10:30 or 1,000 times', 'At 10:30 or 1,000 times'],
  ['Wait - what -- no \u2014 well-known', 'Wait -|what --|no \u2014|well-known'],
  ['"Yes," she said', '"Yes,"|she said'],
])('clauseBreaks of %j', (text, expected) => {
  expect(cut(text, clauseBreaks(text)).join('|')).toBe(expected);
});

test('wordBreaks', () => {
  expect(cut('one two-three four', wordBreaks('one two-three four'))).toEqual(['one', 'two-three', 'four']);
});
