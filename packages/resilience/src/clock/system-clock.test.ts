import { describe, expect, it } from 'vitest';
import { systemClock } from './system-clock.ts';

describe('systemClock', () => {
  it('tells epoch time that never runs backwards', () => {
    const times = Array.from({ length: 1_000 }, () => systemClock.now());
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(60_000);
  });

  it('fires a timer, and not one that was cancelled', async () => {
    const fired: string[] = [];
    const cancel = systemClock.setTimer(() => fired.push('cancelled'), 0);
    cancel();
    await new Promise<void>((resolve) => systemClock.setTimer(resolve, 0));
    expect(fired).toEqual([]);
  });

  it('does not fire at once for a delay that setTimeout cannot hold', async () => {
    let fired = false;
    const cancel = systemClock.setTimer(() => {
      fired = true;
    }, 2 ** 40);
    await new Promise<void>((resolve) => systemClock.setTimer(resolve, 2));
    cancel();
    expect(fired).toBe(false);
  });
});
