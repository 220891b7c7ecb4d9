import { expect, test } from 'vitest';
import { isSpeakable, spokenLength } from './spoken-length.ts';

test.each([
  ['', 0],
  ['Hello, you.', 11],
  ['42', 8],
  ['$9 & up', 16],
  ['\u{1f600}', 2],
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
