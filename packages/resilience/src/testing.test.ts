import { describe, expect, it } from 'vitest';
import { createFakeClock } from './testing.ts';

describe('createFakeClock', () => {
  it('fires timers in due order, ties in the order they were set, at their own time', () => {
    const clock = createFakeClock(100);
    const fired: [string, number][] = [];
    clock.setTimer(() => fired.push(['late', clock.now()]), 20);
    clock.setTimer(() => fired.push(['first', clock.now()]), 10);
    clock.setTimer(() => fired.push(['second', clock.now()]), 10);
    clock.setTimer(() => fired.push(['never', clock.now()]), 31);
    clock.advance(30);
    expect(fired).toEqual([
      ['first', 110],
      ['second', 110],
      ['late', 120],
    ]);
    expect(clock.now()).toBe(130);
    expect(clock.pendingTimers).toBe(1);
  });

  it('fires timers that timers set, when they fall due in the same advance', () => {
    const clock = createFakeClock();
    const fired: number[] = [];
    const again = (): void => {
      fired.push(clock.now());
      clock.setTimer(again, 10);
    };
    clock.setTimer(again, 10);
    clock.advance(35);
    expect(fired).toEqual([10, 20, 30]);
  });

  it('does not fire a cancelled timer', () => {
    const clock = createFakeClock();
    const cancel = clock.setTimer(() => expect.unreachable(), 10);
    cancel();
    clock.advance(100);
    expect(clock.pendingTimers).toBe(0);
  });

  it('lets promises settle between timers when advanced asynchronously', async () => {
    const clock = createFakeClock();
    const sleep = (ms: number): Promise<void> => new Promise((resolve) => clock.setTimer(resolve, ms));
    const seen: number[] = [];
    const loop = async (): Promise<void> => {
      for (let turn = 0; turn < 3; turn += 1) {
        await sleep(10);
        seen.push(clock.now());
      }
    };
    const done = loop();
    await clock.advanceAsync(30);
    expect(seen).toEqual([10, 20, 30]);
    await done;
  });
});
