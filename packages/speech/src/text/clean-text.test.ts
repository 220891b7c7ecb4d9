import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cleanText, tidyText } from './clean-text.ts';

describe('cleanText', () => {
  test.each([
    ['Caf\u00e9 na\u00efve \u00c5ngstr\u00f6m', 'Cafe naive Angstrom'],
    ['\u201cIt\u2019s me,\u201d she said\u2026', '"It\'s me," she said...'],
    ['He ran\u2014fast', 'He ran, fast'],
    ['1914\u20131918', '1914-1918'],
    ['Stra\u00dfe, \u0152uvre, \u00c6on', 'Strasse, Oeuvre, Aeon'],
    ['\ufb01ne', 'fine'],
    ['\u00a35.50 or \u20ac 7.', '5.50 pounds or 7 euros.'],
    ['I AM here at 5 AM or 6AM on AM-FM', 'I am here at 5 AM or 6AM on am-FM'],
    ['20\u00b0 hot', '20 degrees hot'],
    ['soft\u00adhyphen and zero\u200bwidth', 'softhyphen and zerowidth'],
    ['one \u{1f600} two', 'one two'],
    ['\u65e5\u672c', ''],
    ['a\u0000b\tc', 'a b c'],
    ['a lone \ud800 surrogate', 'a lone surrogate'],
    ['one\r\ntwo\r\n\r\nthree', 'one\ntwo\n\nthree'],
    ['one \n \n \n \n two', 'one\n\ntwo'],
    ['para\u2029graph', 'para\n\ngraph'],
  ])('%j becomes %j', (text, clean) => {
    expect(cleanText(text)).toBe(clean);
  });

  test('breaks tokens at 40', () => {
    const tokens = cleanText('x'.repeat(90)).split(' ');
    expect(tokens.map(({ length }) => length)).toEqual([40, 40, 10]);
  });

  test('leaves printable ASCII and line breaks, no long token, and nothing more to do', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300, size: 'max' }), (text) => {
        const clean = cleanText(text);
        expect(clean).toMatch(/^[\n\x20-\x7e]*$/);
        expect(clean).not.toMatch(/\S{41}/);
        expect(cleanText(clean)).toBe(clean);
      }),
    );
  });

  test.each(['x', ' ', '\n', '\u0301', '\u00a3', '1', '\u{1f600}', ' \n'])(
    'takes a long run of %j in its stride',
    (unit) => {
      expect(cleanText(unit.repeat(200_000))).not.toMatch(/\S{41}/);
    },
  );
});

describe('tidyText', () => {
  test.each([
    ['  a\t b\u00a0c ', 'a b c'],
    ['a\r\n\r\n\r\nb\rc', 'a\n\nb\nc'],
    ['a\u2028b\u2029c', 'a\nb\n\nc'],
    ['nul\u0000 bell\u0007 soft\u00adhyphen \ufeffmark', 'nul bell softhyphen mark'],
    ['half \ud83d of a sign', 'half of a sign'],
    ['cafe\u0301', 'caf\u00e9'],
    ['\u0915\u094d\u200d\u0937 \u4f60\u597d \u{1f642}', '\u0915\u094d\u200d\u0937 \u4f60\u597d \u{1f642}'],
  ])('%j', (text, tidy) => {
    expect(tidyText(text)).toBe(tidy);
  });

  test('applying it twice changes nothing more', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(tidyText(tidyText(text))).toBe(tidyText(text));
      }),
    );
  });
});
