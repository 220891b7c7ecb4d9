import { describe, expect, it } from 'vitest';
import { EventRate } from './event-rate.ts';

const START_MS = 1_000_000_500;

/** Counts one every `everyMs`, from the start on. */
const steady = (everyMs: number, forMs: number): EventRate => {
  const rate = new EventRate(START_MS);
  for (let ms = 0; ms < forMs; ms += everyMs) rate.count(START_MS + ms);
  return rate;
};

describe('EventRate', () => {
  it('says nothing in the first second', () => {
    const rate = steady(1, 100);
    expect(rate.perSecond(START_MS + 999)).toBeUndefined();
    expect(rate.perSecond(START_MS + 1_000)).toBe(100);
  });

  it.each([1_000, 5_000, 59_000, 60_000, 61_300, 600_000])('is right after %i ms', (forMs) => {
    expect(steady(20, forMs).perSecond(START_MS + forMs)).toBeCloseTo(50, 0);
  });

  it('is 0 when a minute brought nothing', () => {
    const rate = steady(20, 5_000);
    expect(rate.perSecond(START_MS + 64_000)).toBeGreaterThan(0);
    expect(rate.perSecond(START_MS + 65_000)).toBe(0);
    expect(rate.perSecond(START_MS + 6_000_000)).toBe(0);
  });
});
