/** Stops a timer. Calling it after the timer fired, or twice, does nothing. */
export type CancelTimer = () => void;

/** Time as the policies see it. Every policy takes one, so tests never sleep. */
export interface Clock {
  /** Milliseconds since the Unix epoch, fractions allowed. Never runs backwards within one process. */
  now(): number;
  /** Calls `run` once, `delayMs` from now; with a delay of 0 or less, on the next turn of the event loop. */
  setTimer(run: () => void, delayMs: number): CancelTimer;
  /**
   * Like `now`, but may lag behind by one turn of the event loop. For timestamps that are only displayed, where
   * reading the clock would be the largest cost. Default: `now`.
   */
  coarseNow?(): number;
}

/**
 * Waits `delayMs`, or less when the signal aborts. Never rejects, and leaves neither a timer nor a listener.
 *
 * @example
 * import { systemClock, wait } from '@taleback/resilience';
 * console.log(await wait(systemClock, 10, AbortSignal.timeout(5_000))); // elapsed
 */
export function wait(
  clock: Clock,
  delayMs: number,
  signal: AbortSignal | undefined,
): Promise<'elapsed' | 'aborted'> {
  if (signal?.aborted === true) return Promise.resolve('aborted');
  if (delayMs <= 0) return Promise.resolve('elapsed');
  return new Promise((resolve) => {
    const onAbort = (): void => {
      cancel();
      resolve('aborted');
    };
    const cancel = clock.setTimer(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve('elapsed');
    }, delayMs);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** Reads within one millisecond of each other before time is held: below that, holding costs more than reading. */
const DENSE_READS = 32;
/** A burst that never yields to the event loop still sees time move, every so many reads. */
const HELD_READS = 1_024;

/**
 * Wraps `read` so that a dense burst of reads in one turn of the event loop costs one read. Sparse readers always get
 * the exact time, and `atTurnEnd` is called at most once per burst.
 */
export function turnTime(read: () => number, atTurnEnd: (run: () => void) => void): () => number {
  let heldMs = 0;
  let heldReads = 0;
  let denseReads = 0;
  let lastReadMs = Number.NEGATIVE_INFINITY;
  let turnEndAsked = false;

  const release = (): void => {
    turnEndAsked = false;
    heldReads = 0;
    denseReads = 0;
  };

  return () => {
    if (heldReads > 0) {
      heldReads -= 1;
      return heldMs;
    }
    const nowMs = read();
    denseReads = nowMs - lastReadMs < 1 || turnEndAsked ? denseReads + 1 : 0;
    lastReadMs = nowMs;
    if (denseReads >= DENSE_READS) {
      heldMs = nowMs;
      heldReads = HELD_READS;
      if (!turnEndAsked) {
        turnEndAsked = true;
        atTurnEnd(release);
      }
    }
    return nowMs;
  };
}

/** The longest delay setTimeout takes; a longer one would overflow and fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** performance.now() never steps back when the wall clock is corrected; timeOrigin turns it into epoch time. */
const originMs = performance.timeOrigin;
const now = (): number => originMs + performance.now();

const atTurnEnd: (run: () => void) => void =
  typeof setImmediate === 'function' ? (run) => void setImmediate(run) : (run) => void setTimeout(run, 0);

/**
 * The real clock. Its timers keep the process alive; delays over 2^31 - 1 ms (24.8 days) are cut to that. Time that
 * the machine spends suspended is not counted.
 */
export const systemClock: Clock = {
  now,
  coarseNow: turnTime(now, atTurnEnd),
  setTimer(run, delayMs) {
    const timer = setTimeout(run, Math.min(delayMs, MAX_TIMER_MS));
    return () => clearTimeout(timer);
  },
};
