import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { tidyText } from './tidy-text.ts';

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

test('twice is once', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(tidyText(tidyText(text))).toBe(tidyText(text));
    }),
  );
});
