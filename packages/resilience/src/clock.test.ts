import { describe, expect, it } from 'vitest';
import { systemClock, turnTime } from './clock.ts';

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

function setup() {
  const turn: { end?: () => void } = {};
  const time = { nowMs: 1_000, reads: 0, turnsAsked: 0 };
  const read = (): number => {
    time.reads += 1;
    return time.nowMs;
  };
  const atTurnEnd = (run: () => void): void => {
    time.turnsAsked += 1;
    turn.end = run;
  };
  return { time, turn, coarseNow: turnTime(read, atTurnEnd) };
}

describe('turnTime', () => {
  it('gives sparse readers the exact time and never waits for a turn', () => {
    const { time, coarseNow } = setup();
    for (let call = 0; call < 200; call += 1) {
      time.nowMs += 1;
      expect(coarseNow()).toBe(time.nowMs);
    }
    expect(time.turnsAsked).toBe(0);
  });

  it('holds time still in a dense burst, at far fewer reads', () => {
    const { time, coarseNow } = setup();
    for (let call = 0; call < 1_000; call += 1) coarseNow();
    expect(time.reads).toBeLessThan(50);
    expect(time.turnsAsked).toBe(1);
    time.nowMs += 5;
    expect(coarseNow()).toBe(1_000);
  });

  it('is exact again after the turn', () => {
    const { time, turn, coarseNow } = setup();
    for (let call = 0; call < 100; call += 1) coarseNow();
    time.nowMs += 5;
    turn.end?.();
    expect(coarseNow()).toBe(1_005);
  });

  it('lets time move in a burst that never yields', () => {
    const { time, coarseNow } = setup();
    for (let call = 0; call < 100; call += 1) coarseNow();
    time.nowMs += 5;
    const seen = Array.from({ length: 1_100 }, () => coarseNow());
    expect(seen.at(-1)).toBe(1_005);
  });
});
