import { describe, expect, it } from 'vitest';
import { fixed, startPool } from '../../test/support/pool-harness.ts';

const TEXT =
  'A sentence of a hundred letters, below which the length of a text does not count for its time-out...';
const FIRST_MS = 200;

describe('WorkerPool, gradual degradation', () => {
  it('work moves away from a worker that gets slower, and its health score falls', async () => {
    const { pool, clock, children, say, all } = await startPool({ overrides: fixed(2) });
    const [slow, steady] = children;
    if (slow === undefined || steady === undefined) throw new Error('two workers were to start');
    steady.answersAfterMs = FIRST_MS;
    const scores: number[] = [];
    const spokenBySlow: boolean[] = [];
    for (let delayMs = FIRST_MS; delayMs < 8_000; delayMs *= 1.1) {
      slow.answersAfterMs = delayMs;
      slow.ping = () => clock.setTimer(() => slow.pulse(), delayMs / 2);
      const before = slow.heard.length;
      say(TEXT);
      await clock.advanceAsync(1_000);
      spokenBySlow.push(slow.heard.length > before);
      scores.push(pool.snapshot().workers[0]?.healthScore ?? 0);
    }
    await clock.advanceAsync(8_000);
    expect(all.map(({ end }) => end)).toEqual(all.map(() => TEXT));
    // It begins with the work, and loses it long before a time-out or a missed check would take it away.
    expect(spokenBySlow[0]).toBe(true);
    expect(spokenBySlow.slice(-20)).toEqual(Array.from({ length: 20 }, () => false));
    expect(scores[0]).toBe(100);
    expect(scores.at(-1)).toBeLessThanOrEqual(80);
    expect(pool.snapshot().workers.map(({ state, restarts }) => [state, restarts])).toEqual([
      ['READY', 0],
      ['READY', 0],
    ]);
  });

  it('the time-out follows an engine that gets slower as a whole: nothing fails past the first 10 s', async () => {
    const { clock, children, say, all, kinds } = await startPool({ overrides: fixed(1) });
    const [child] = children;
    if (child === undefined) throw new Error('a worker was to start');
    for (let delayMs = FIRST_MS; delayMs < 25_000; delayMs *= 1.05) {
      child.answersAfterMs = delayMs;
      say(TEXT);
      await clock.advanceAsync(delayMs);
    }
    expect(all.length).toBeGreaterThan(90);
    expect(all.map(({ end }) => end)).toEqual(all.map(() => TEXT));
    expect(kinds('breaker-changed')).toEqual([]);

    // It is no more than twice what it has seen: one that hangs is noticed.
    child.answersAfterMs = undefined;
    say(TEXT);
    await clock.advanceAsync(50_000);
    expect(child.kills).toBe(1);
  });
});
