import { describe, expect, it } from 'vitest';
import { WorkerHealth } from './worker-health.ts';

const INTERVAL_MS = 5_000;

describe('WorkerHealth', () => {
  it('seed 004: counts the pings in a row that were not answered, and forgets them with an answer', () => {
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
