import { expect, test } from 'vitest';
import { isSpeakable, spokenLength } from './split-text.ts';

test.each([
  ['', 0],
  ['Hello, you.', 11],
  ['42', 8],
  ['$9 & up', 16],
  ['\u{1f600}', 2],
  ['Straße, Ærø, čeština', 20],
  ['Жили-были', 9],
  ['كان يا ما كان', 13],
  ['昔々', 8],
  ['むかし', 6],
  ['スーパー', 8],
  ['你好。', 9],
  ['\u{20000}', 4],
  ['옛날에', 9],
  ['옛'.normalize('NFD'), 3],
  ['ኣዲስ', 6],
])('%j is %d letters long to speak', (text, letters) => {
  expect(spokenLength(text)).toBe(letters);
});

test.each([
  ['a', true],
  ['7', true],
  ['\u65e5', true],
  ['...', false],
  ['$ % &', false],
  ['', false],
])('%j can be spoken: %s', (text, expected) => {
  expect(isSpeakable(text)).toBe(expected);
});
