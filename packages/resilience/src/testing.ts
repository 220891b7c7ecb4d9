import type { CancelTimer, Clock } from './clock.ts';

interface FakeTimer {
  readonly dueMs: number;
  readonly run: () => void;
}

/** A clock that only `advance` moves. Timers fire in due order, ties in the order they were set. */
export interface FakeClock extends Clock {
  /** Timers that are set and have not fired or been cancelled. */
  readonly pendingTimers: number;
  /** Moves time forward and fires what falls due, without letting promises settle in between. */
  advance(ms: number): void;
  /** Moves time forward; before each timer, and at the end, every promise that can settle does. */
  advanceAsync(ms: number): Promise<void>;
  /** Lets every promise that can settle do so, without moving time. */
  settle(): Promise<void>;
}

/** A macrotask: the microtask queue is empty when it runs, however long the chain of promises was. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * @param startMs epoch milliseconds at which the clock stands, default 0
 *
 * @example
 * import { wait } from '@taleback/resilience';
 * import { createFakeClock } from '@taleback/resilience/testing';
 * const clock = createFakeClock();
 * const waiting = wait(clock, 60_000, undefined);
 * clock.advance(60_000);
 * console.log(await waiting); // elapsed
 */
export function createFakeClock(startMs = 0): FakeClock {
  const timers = new Set<FakeTimer>();
  let nowMs = startMs;

  /** Timers are in the order they were set, so the first of the earliest is next. */
  const takeDue = (untilMs: number): FakeTimer | undefined => {
    let next: FakeTimer | undefined;
    for (const timer of timers) {
      if (timer.dueMs <= untilMs && timer.dueMs < (next?.dueMs ?? Number.POSITIVE_INFINITY)) next = timer;
    }
    if (next !== undefined) timers.delete(next);
    return next;
  };

  const fire = (timer: FakeTimer): void => {
    nowMs = Math.max(nowMs, timer.dueMs);
    timer.run();
  };

  return {
    get pendingTimers() {
      return timers.size;
    },
    now: () => nowMs,
    setTimer(run: () => void, delayMs: number): CancelTimer {
      const timer: FakeTimer = { dueMs: nowMs + Math.max(0, delayMs), run };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    advance(ms) {
      const untilMs = nowMs + ms;
      for (let timer = takeDue(untilMs); timer !== undefined; timer = takeDue(untilMs)) fire(timer);
      nowMs = untilMs;
    },
    async advanceAsync(ms) {
      const untilMs = nowMs + ms;
      await settle();
      for (let timer = takeDue(untilMs); timer !== undefined; timer = takeDue(untilMs)) {
        fire(timer);
        await settle();
      }
      nowMs = untilMs;
    },
    settle,
  };
}
