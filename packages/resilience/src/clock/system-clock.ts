import type { Clock } from './clock.ts';
import { turnTime } from './turn-time.ts';

/** The longest delay setTimeout takes; a longer one would overflow and fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** performance.now() never steps back when the wall clock is corrected; timeOrigin turns it into epoch time. */
const originMs = performance.timeOrigin;
const now = (): number => originMs + performance.now();

const atTurnEnd: (run: () => void) => void =
  typeof setImmediate === 'function' ? (run) => void setImmediate(run) : (run) => void setTimeout(run, 0);

/**
 * The real clock: epoch milliseconds that never run backwards, and timers that keep the process alive.
 *
 * Delays over 2^31 - 1 ms (24.8 days) are cut to that. Time the machine spends suspended is not counted.
 */
export const systemClock: Clock = {
  now,
  coarseNow: turnTime(now, atTurnEnd),
  setTimer(run, delayMs) {
    const timer = setTimeout(run, Math.min(delayMs, MAX_TIMER_MS));
    return () => clearTimeout(timer);
  },
};
