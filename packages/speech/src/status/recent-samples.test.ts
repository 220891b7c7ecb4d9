import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecentSamples } from './recent-samples.ts';

const read = (samples: RecentSamples, nowMs: number): [number, number][] => {
  const seen: [number, number][] = [];
  samples.visit(nowMs, (value, tag) => seen.push([value, tag]));
  return seen;
};

describe('RecentSamples', () => {
  it('forgets what is too old, to the millisecond', () => {
    const samples = new RecentSamples({ capacity: 4, windowMs: 100 });
    samples.add(1, 10, 0);
    samples.add(2, 20, 50);
    expect(read(samples, 99)).toEqual([
      [2, 20],
      [1, 10],
    ]);
    expect(read(samples, 100)).toEqual([[2, 20]]);
    expect(read(samples, 150)).toEqual([]);
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
            samples.add(value, 0, nowMs);
            all.push({ value, atMs: nowMs });
          }
          const expected = all
            .slice(-capacity)
            .filter(({ atMs }) => nowMs - atMs < 100)
            .map(({ value }) => [value, 0]);
          expect(read(samples, nowMs)).toEqual(expected.toReversed());
        },
      ),
    );
  });
});
