import type { Clock } from '../src/live/follow.ts';

/** A clock that stands until it is moved. */
export interface ManualClock extends Clock {
  /** Moves time forward and runs what falls due on the way, in order. */
  readonly advance: (byMs: number) => void;
  /** How many timers are set. */
  readonly pending: () => number;
}

export const createManualClock = (startMs: number): ManualClock => {
  let nowMs = startMs;
  const timers = new Set<{ atMs: number; run: () => void }>();
  return {
    now: () => nowMs,
    after: (delayMs, run) => {
      const timer = { atMs: nowMs + delayMs, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance: (byMs) => {
      const endMs = nowMs + byMs;
      for (;;) {
        const due = [...timers]
          .filter(({ atMs }) => atMs <= endMs)
          .sort((one, other) => one.atMs - other.atMs)[0];
        if (due === undefined) break;
        timers.delete(due);
        nowMs = Math.max(nowMs, due.atMs);
        due.run();
      }
      nowMs = endMs;
    },
    pending: () => timers.size,
  };
};
