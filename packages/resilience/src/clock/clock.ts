/** Stops a timer. Calling it after the timer fired, or twice, does nothing. */
export type CancelTimer = () => void;

/** Time as the policies see it. Every policy takes one, so tests never sleep. */
export interface Clock {
  /** Milliseconds since the Unix epoch, fractions allowed. Never runs backwards within one process. */
  now(): number;
  /** Calls `run` once, `delayMs` from now. A delay of 0 or less still waits for the next turn. */
  setTimer(run: () => void, delayMs: number): CancelTimer;
  /**
   * Like `now`, but may lag behind by the turn of the event loop it is read in. For timestamps that are only shown,
   * on paths where reading the clock would be the largest cost. Default: `now`.
   */
  coarseNow?(): number;
}
