import { ResilienceError } from '../errors/index.ts';

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
