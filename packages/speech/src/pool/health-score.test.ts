import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HealthFigures, healthScore } from './health-score.ts';

const WELL: HealthFigures = {
  successRate: 1,
  consecutiveFailures: 0,
  responseTimeMs: 0,
  silentMs: 0,
  intervalMs: 5_000,
};

const figures: fc.Arbitrary<HealthFigures> = fc.record({
  successRate: fc.double({ min: 0, max: 1, noNaN: true }),
  consecutiveFailures: fc.nat(1_000),
  responseTimeMs: fc.nat(100_000),
  silentMs: fc.nat(1_000_000),
  intervalMs: fc.integer({ min: 1, max: 60_000 }),
});

describe('healthScore', () => {
  it.each<[string, Partial<HealthFigures>, number]>([
    ['nothing wrong', {}, 100],
    ['100 * successRate', { successRate: 0.85 }, 85],
    ['- min(consecutiveFailures * 20, 80): one', { consecutiveFailures: 1 }, 80],
    ['- min(consecutiveFailures * 20, 80): three', { consecutiveFailures: 3 }, 40],
    ['- min(consecutiveFailures * 20, 80): its bound', { consecutiveFailures: 40 }, 20],
    ['- responseTimePenalty: a point for 50 ms', { responseTimeMs: 500 }, 90],
    ['- responseTimePenalty: its bound', { responseTimeMs: 90_000 }, 80],
    ['- stalenessPenalty: none in the first interval', { silentMs: 5_000 }, 100],
    ['- stalenessPenalty: a point for a tenth of an interval', { silentMs: 7_500 }, 95],
    ['- stalenessPenalty: its bound', { silentMs: 900_000 }, 80],
    ['all of them, never below 0', { successRate: 0.2, consecutiveFailures: 9, responseTimeMs: 9_000 }, 0],
  ])('seed 004: health score, %s', (_term, change, expected) => {
    expect(healthScore({ ...WELL, ...change })).toBe(expected);
  });

  it('is a whole number from 0 to 100', () => {
    fc.assert(
      fc.property(figures, (some) => {
        const score = healthScore(some);
        expect(score).toBeGreaterThanOrEqual(0);
        expect(score).toBeLessThanOrEqual(100);
        expect(Number.isInteger(score)).toBe(true);
      }),
    );
  });

  it('never grows when anything gets worse', () => {
    fc.assert(
      fc.property(figures, figures, (some, more) => {
        const worse = {
          ...some,
          successRate: some.successRate * more.successRate,
          consecutiveFailures: some.consecutiveFailures + more.consecutiveFailures,
          responseTimeMs: some.responseTimeMs + more.responseTimeMs,
          silentMs: some.silentMs + more.silentMs,
        };
        expect(healthScore(worse)).toBeLessThanOrEqual(healthScore(some));
      }),
    );
  });
});
