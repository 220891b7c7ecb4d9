import { expect, test } from 'vitest';
import { isSilent, measureRms } from './loudness.ts';

test('measures the root mean square', () => {
  expect(measureRms(Int16Array.of())).toBe(0);
  expect(measureRms(Int16Array.of(-7, 7, 7))).toBe(7);
  expect(measureRms(Int16Array.of(3, 4))).toBeCloseTo(Math.sqrt(12.5));
  expect(measureRms(new Int16Array(1000).fill(-32_768))).toBe(32_768);
});

test('a hiss is silence, a quiet voice is not', () => {
  expect(isSilent(new Int16Array(100).fill(25))).toBe(true);
  expect(isSilent(new Int16Array(100).fill(1200))).toBe(false);
});
