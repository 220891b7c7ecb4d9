import { expect, it } from 'vitest';
import { durationWords } from './time.tsx';

it.each([
  [-5, '0 s'],
  [0, '0 s'],
  [3100, '3.1 s'],
  [4000, '4 s'],
  [9949, '9.9 s'],
  [9950, '10 s'],
  [59_499, '59 s'],
  [59_600, '1 min'],
  [65_000, '1 min 5 s'],
  [3_600_000, '60 min'],
])('says %d ms as %s', (durationMs, words) => {
  expect(durationWords(durationMs)).toBe(words);
});
