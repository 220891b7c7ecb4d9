import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HealthFigures, healthScore, WorkerHealth } from './worker-health.ts';

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
  ])('health score, %s', (_term, change, expected) => {
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

const INTERVAL_MS = 5_000;
const answers = fc.array(fc.tuple(fc.boolean(), fc.nat(60_000)), { maxLength: 70, size: 'max' });

describe('WorkerHealth, its answers', () => {
  it('begin without a fault and without a time', () => {
    const health = new WorkerHealth(INTERVAL_MS, 0);
    expect([health.jobsDone, health.successRate, health.responseTimeMs]).toEqual([0, 1, 0]);
  });

  it('agree with a list of all answers', () => {
    fc.assert(
      fc.property(answers, (given) => {
        const health = new WorkerHealth(INTERVAL_MS, 0);
        const all: boolean[] = [];
        let average: number | undefined;
        for (const [isSound, responseTimeMs] of given) {
          health.answered(isSound, responseTimeMs);
          all.push(isSound);
          average = average === undefined ? responseTimeMs : average * 0.8 + responseTimeMs * 0.2;
          const newest = all.slice(-20);
          expect(health.jobsDone).toBe(all.length);
          expect(health.successRate).toBe(newest.filter(Boolean).length / newest.length);
          expect(health.responseTimeMs).toBeCloseTo(average, 6);
        }
      }),
    );
  });
});

describe('WorkerHealth', () => {
  it('counts the pings in a row that were not answered, and forgets them with an answer', () => {
    const health = new WorkerHealth(INTERVAL_MS, 0);
    expect([0, 5_000, 10_000, 15_000].map((nowMs) => health.pinging(nowMs))).toEqual([0, 1, 2, 3]);
    expect(health.consecutiveFailures).toBe(3);
    health.pulse(16_000);
    expect(health.consecutiveFailures).toBe(0);
    expect(health.pinging(20_000)).toBe(0);
  });

  it('adds failed requests in a row, and forgets them with one that was sound', () => {
    const health = new WorkerHealth(INTERVAL_MS, 0);
    for (const isSound of [false, true, false, false]) health.answered(isSound, 100);
    expect(health.consecutiveFailures).toBe(2);
    expect(health.score(0)).toBe(0);
    health.answered(true, 100);
    expect(health.consecutiveFailures).toBe(0);
    expect(health.score(0)).toBe(40);
  });

  it('takes a slow ping and a silence from the score', () => {
    const health = new WorkerHealth(INTERVAL_MS, 0);
    health.pinging(0);
    health.pulse(500);
    expect(health.score(500)).toBe(90);
    expect(health.score(500 + INTERVAL_MS + 1_000)).toBe(88);
    health.heard(6_500);
    expect(health.score(6_500)).toBe(90);
  });

  it('does not take the silence of one that is never pinged for a fault', () => {
    expect(new WorkerHealth(INTERVAL_MS, 0).score(1_000_000)).toBe(100);
  });

  it('waits for no ping of the child before', () => {
    const health = new WorkerHealth(INTERVAL_MS, 0);
    for (const nowMs of [0, 5_000, 10_000]) health.pinging(nowMs);
    health.restart(12_000);
    expect(health.consecutiveFailures).toBe(0);
    expect(health.score(1_000_000)).toBe(100);
    expect(health.pinging(15_000)).toBe(0);
  });
});
