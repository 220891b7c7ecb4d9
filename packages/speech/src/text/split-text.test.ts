import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_PIECE_LETTERS, splitText, spokenLength } from './split-text.ts';

const LONE_SURROGATE = /[\ud800-\udfff]/u;

const withoutSpace = (text: string): string => text.replace(/\s+/gu, '');
const shape = (text: string, max?: number): string[] =>
  splitText(text, max).map((piece) => `${piece.text}|${piece.ending}`);

describe('splitText', () => {
  test('keeps a short text in one piece', () => {
    expect(shape('One. Two.')).toEqual(['One. Two.|paragraph']);
  });

  test('ends pieces at paragraphs', () => {
    expect(shape('Chapter\r\n\r\nOne line\nbroken.\n \n\nEnd')).toEqual([
      'Chapter|paragraph',
      'One line broken.|paragraph',
      'End|paragraph',
    ]);
  });

  test('fills pieces with whole sentences', () => {
    expect(shape('One one. Two two. Three three. Four.', 20)).toEqual([
      'One one. Two two.|sentence',
      'Three three. Four.|paragraph',
    ]);
  });

  test('falls back to clauses, then words, then letters', () => {
    expect(shape('A bird, a very small bird, sang. Then on.', 20)).toEqual([
      'A bird,|clause',
      'a very small bird,|clause',
      'sang.|sentence',
      'Then on.|paragraph',
    ]);
    expect(shape('one two three four five six', 12)).toEqual([
      'one two|word',
      'three four|word',
      'five six|paragraph',
    ]);
    expect(shape('abcdefghij', 4)).toEqual(['abcd|word', 'efgh|word', 'ij|paragraph']);
  });

  test('makes pieces of digits small, since each is a word', () => {
    const pieces = splitText('1234567890'.repeat(105));
    expect(pieces.length).toBeGreaterThanOrEqual(1050 / 60);
    expect(Math.max(...pieces.map(({ text }) => text.length))).toBe(60);
  });

  test('never cuts a surrogate pair', () => {
    expect(splitText('\u{1f600}'.repeat(300)).some(({ text }) => LONE_SURROGATE.test(text))).toBe(false);
  });

  test('has nothing for nothing', () => {
    expect([splitText(''), splitText(' \n\n \n')]).toEqual([[], []]);
  });

  test('refuses a limit that no digit fits in', () => {
    expect(() => splitText('x', 3)).toThrow(RangeError);
  });

  const word = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.string({ unit: 'binary', maxLength: 8 }),
    fc.constantFrom(
      '.',
      '. ',
      '"',
      '!" ',
      ', ',
      ' - ',
      '\n',
      '\n\n',
      'Mr. ',
      'Then',
      '7',
      '12345678901',
      '\u{1f600}',
    ),
    fc.integer({ min: 10, max: 400 }).map((length) => 'x'.repeat(length)),
  );
  const prose = fc.array(word, { maxLength: 60, size: 'max' }).map((words) => words.join(''));

  test('loses nothing, keeps the order and stays within the limit', () => {
    fc.assert(
      fc.property(prose, fc.integer({ min: 4, max: 300 }), (text, max) => {
        const pieces = splitText(text, max);
        expect(withoutSpace(pieces.map((piece) => piece.text).join(''))).toBe(withoutSpace(text));
        for (const piece of pieces) {
          expect(piece.text).toBe(piece.text.trim());
          expect(piece.text).not.toBe('');
          expect(spokenLength(piece.text)).toBeLessThanOrEqual(max);
          expect(piece.text.length).toBeLessThanOrEqual(max);
        }
        expect(pieces.at(-1)?.ending ?? 'paragraph').toBe('paragraph');
      }),
    );
  });

  test('joins words that had space between them by one blank', () => {
    fc.assert(
      fc.property(prose, (text) => {
        const words = text
          .split(/\s+/u)
          .filter((part) => part !== '' && spokenLength(part) <= MAX_PIECE_LETTERS);
        const all = ` ${splitText(text)
          .map((piece) => piece.text)
          .join(' ')} `;
        fc.pre(!/[\u3002\uff01\uff1f]/u.test(text) && !/\S{60}/u.test(text));
        for (const part of words) expect(all).toContain(` ${part} `);
      }),
    );
  });

  test.each(['word ', 'x', 'One. ', ', ', '\n\n', '1', ' - '])(
    'takes 200,000 of %j in its stride',
    (unit) => {
      const longest = Math.max(0, ...splitText(unit.repeat(200_000)).map(({ text }) => spokenLength(text)));
      expect(longest).toBeLessThanOrEqual(MAX_PIECE_LETTERS);
    },
  );
});
