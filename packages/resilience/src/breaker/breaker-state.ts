import { ResilienceError } from '../resilience-error.ts';

/**
 * The right to make one call. Plain data: hand it back once, with recordSuccess, recordFailure or release.
 *
 * `generation` names the period it was given in; a permit of an earlier period changes nothing any more.
 */
export interface Permit {
  readonly admitted: true;
  readonly generation: number;
}

export interface Refusal {
  readonly admitted: false;
  readonly reason: RefusalReason;
  /** ms until asking again makes sense; undefined when isolated, for nobody knows. */
  readonly retryAfterMs: number | undefined;
}

export type RefusalReason = 'open' | 'trial-running' | 'isolated';

export type Admission = Permit | Refusal;

/** Thrown by `execute` only. */
export class BreakerRefusedError extends ResilienceError {
  readonly reason: RefusalReason;

  constructor({ reason, retryAfterMs }: Refusal) {
    super(`The circuit breaker refused the call: ${reason}`, {
      code: 'breaker-refused',
      category: 'protection',
      retryAfterMs,
      details: { reason },
    });
    this.reason = reason;
  }
}

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

/** An open breaker whose cool-down is over is half-open to anyone who looks: it has no timer to tell it so. */
export function isHalfOpen(state: BreakerState, nowMs: number): boolean {
  return state.kind === 'half-open' || (state.kind === 'open' && nowMs >= state.retryAtMs);
}
