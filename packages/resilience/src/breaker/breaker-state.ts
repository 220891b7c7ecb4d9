import { ResilienceError } from '../resilience-error.ts';

/** What the breaker does with calls, and the data that belongs to it. Times are epoch ms of the injected clock. */
export type BreakerState =
  /** Every call is admitted. */
  | {
      readonly kind: 'closed';
      readonly sinceMs: number;
      /** The last cool-down of the outage it recovered from, if any. */
      readonly recoveredAfterMs: number | undefined;
    }
  /** No call is admitted before `retryAtMs`. */
  | {
      readonly kind: 'open';
      readonly sinceMs: number;
      readonly retryAtMs: number;
      readonly cooldownMs: number;
      /** Trials that failed in this outage. */
      readonly failedTrials: number;
    }
  /** One trial at a time is admitted. */
  | {
      readonly kind: 'half-open';
      readonly sinceMs: number;
      readonly cooldownMs: number;
      readonly failedTrials: number;
      /** Trials that succeeded since it is half-open. */
      readonly successes: number;
      /** When the running trial counts as lost; undefined when none runs. */
      readonly trialExpiresAtMs: number | undefined;
    }
  /** Shut by hand until reset by hand. */
  | { readonly kind: 'isolated'; readonly sinceMs: number };

export type BreakerChangeCause =
  | 'too-many-failures'
  | 'cool-down-over'
  | 'trial-failed'
  | 'trials-succeeded'
  | 'isolated-by-hand'
  | 'reset-by-hand';

/** A change of state. Trials that begin and end within half-open are no change. */
export interface BreakerChange {
  readonly cause: BreakerChangeCause;
  readonly from: BreakerState;
  readonly to: BreakerState;
  readonly atMs: number;
}

export type BreakerListener = (change: BreakerChange) => void;

/**
 * The right to make one call. Plain data: hand it back once, with recordSuccess, recordFailure or release.
 * `generation` names the period it was given in; a permit of an earlier period changes nothing.
 */
export interface Permit {
  readonly admitted: true;
  readonly generation: number;
}

export interface Refusal {
  readonly admitted: false;
  readonly reason: 'open' | 'trial-running' | 'isolated';
  /** ms until another call makes sense; undefined when isolated. */
  readonly retryAfterMs: number | undefined;
}

export type Admission = Permit | Refusal;

/** Thrown by `execute` only. */
export class BreakerRefusedError extends ResilienceError {
  readonly code = 'breaker-refused';
  readonly reason: Refusal['reason'];

  constructor({ reason, retryAfterMs }: Omit<Refusal, 'admitted'>) {
    super(`The circuit breaker refused the call: ${reason}`, retryAfterMs, { reason });
    this.reason = reason;
  }
}
