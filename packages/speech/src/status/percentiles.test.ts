import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { averageOf, percentilesOf } from './percentiles.ts';

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
    expect(percentilesOf([])).toBeUndefined();
    expect(averageOf([])).toBeUndefined();
  });

  it('tells measured values, of which as many are not above as the name says', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1_000 }), { minLength: 1 }), (values) => {
        const told = percentilesOf(values);
        if (told === undefined) throw new Error('it has values');
        for (const [percent, value] of [
          [50, told.p50],
          [95, told.p95],
          [99, told.p99],
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
