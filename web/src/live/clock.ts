/** Time, handed in so that tests can move it. */
export interface Clock {
  readonly now: () => number;
  /** Runs once after a delay in milliseconds; answers how to call it off. */
  readonly after: (delayMs: number, run: () => void) => () => void;
}

/** Browsers keep timers in 32 bits; a longer one would fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, Math.min(delayMs, MAX_DELAY_MS));
    return () => clearTimeout(timer);
  },
};
