import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { averageOf, EventRate, percentilesOf, RecentSamples } from './statistics.ts';

const START_MS = 1_000_000_500;

/** Counts one every `everyMs`, from the start on. */
const steady = (everyMs: number, forMs: number): EventRate => {
  const rate = new EventRate(START_MS);
  for (let ms = 0; ms < forMs; ms += everyMs) rate.count(START_MS + ms);
  return rate;
};

const ascending = (one: number, other: number): number => one - other;

describe('EventRate', () => {
  it('says nothing in the first second', () => {
    const rate = steady(1, 100);
    expect(rate.perSecond(START_MS + 999)).toBeNull();
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

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => count - index);

describe('percentilesOf', () => {
  it.each([
    [1, { p50: 1, p95: 1, p99: 1 }],
    [2, { p50: 1, p95: 2, p99: 2 }],
    [20, { p50: 10, p95: 19, p99: 20 }],
    [100, { p50: 50, p95: 95, p99: 99 }],
    [340, { p50: 170, p95: 323, p99: 337 }],
  ])('takes the nearest rank of 1 to %i', (count, expected) => {
    expect(percentilesOf(upTo(count))).toEqual(expected);
  });

  it('knows nothing of no values', () => {
    expect(percentilesOf([])).toEqual({ p50: null, p95: null, p99: null });
    expect(averageOf([])).toBeNull();
  });

  it('tells measured values, of which as many are not above as the name says', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1_000 }), { minLength: 1 }), (values) => {
        const told = percentilesOf(values);
        for (const [percent, value] of [
          [50, Number(told.p50)],
          [95, Number(told.p95)],
          [99, Number(told.p99)],
        ] as const) {
          expect(values).toContain(value);
          expect(values.filter((other) => other <= value).length * 100).toBeGreaterThanOrEqual(
            percent * values.length,
          );
          expect(values.filter((other) => other < value).length * 100).toBeLessThan(percent * values.length);
        }
      }),
    );
  });
});

const read = (samples: RecentSamples, nowMs: number): number[] => samples.at(nowMs).map(({ value }) => value);

describe('RecentSamples', () => {
  it('forgets what is too old, to the millisecond', () => {
    const samples = new RecentSamples({ capacity: 4, windowMs: 100 });
    const [first, second] = [{ atMs: 0, value: 1 }, { atMs: 50, value: 2, code: 'unknown' } as const];
    samples.add(first);
    samples.add(second);
    expect(samples.at(99)).toEqual([first, second]);
    expect(samples.at(100)).toEqual([second]);
    expect(samples.at(150)).toEqual([]);
  });

  it('holds what a list of the last ones would hold', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.record({ value: fc.integer(), afterMs: fc.integer({ min: 0, max: 40 }) })),
        (capacity, steps) => {
          const samples = new RecentSamples({ capacity, windowMs: 100 });
          const all: { value: number; atMs: number }[] = [];
          let nowMs = 0;
          for (const { value, afterMs } of steps) {
            nowMs += afterMs;
            samples.add({ atMs: nowMs, value });
            all.push({ value, atMs: nowMs });
          }
          const expected = all
            .slice(-capacity)
            .filter(({ atMs }) => nowMs - atMs < 100)
            .map(({ value }) => value);
          expect(read(samples, nowMs).toSorted(ascending)).toEqual(expected.toSorted(ascending));
        },
      ),
    );
  });
});
