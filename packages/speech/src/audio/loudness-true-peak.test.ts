import { expect, test } from 'vitest';
import { findTruePeak } from './loudness-true-peak.ts';

/** EBU Tech 3341 cases 15 to 17 and 19: sines whose crests lie between the samples. */
test.each([
  ['a quarter of the rate, on the crest', 0.25, 0, 0.5],
  ['a quarter of the rate, at 45 degrees', 0.25, 45, 0.5],
  ['a sixth of the rate, at 60 degrees', 1 / 6, 60, 0.5],
  ['an eighth of the rate, at 67.5 degrees', 0.125, 67.5, 0.5],
  ['a quarter of the rate, at 45 degrees, louder than full scale', 0.25, 45, 1.41],
])('finds the crest of %s', (_, ofRate, degrees, peak) => {
  const sine = Int16Array.from({ length: 2000 }, (_value, index) => {
    const fade = Math.min(1, index / 400, (1999 - index) / 400);
    return Math.round(
      32_767 * peak * fade * Math.sin(2 * Math.PI * ofRate * index + (degrees * Math.PI) / 180),
    );
  });
  const overDb = 20 * Math.log10(findTruePeak(sine, 5000) / (peak * 32_768));
  // The tolerance of the EBU for a meter: 0.2 above, 0.4 below.
  expect(overDb).toBeLessThan(0.2);
  expect(overDb).toBeGreaterThan(-0.4);
});

test.each([
  [[], 0],
  [[5, -6], 0],
])('finds nothing in %j', (samples, expected) => {
  expect(findTruePeak(Int16Array.from(samples), 100)).toBe(expected);
});
