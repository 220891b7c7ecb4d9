import { ResilienceError } from '../errors/index.ts';

export type BulkheadRefusalReason =
  /** As many jobs wait as may. */
  | 'queue-full'
  /** The signal aborted before the job began. */
  | 'aborted'
  /** The bulkhead takes no jobs any more. */
  | 'closed';

export type BulkheadOutcome<T> =
  | { readonly kind: 'completed'; readonly value: T }
  /** The job was never begun. */
  | { readonly kind: 'rejected'; readonly reason: BulkheadRefusalReason };

/** Thrown by `run` only; `submit` returns the same as data. */
export class BulkheadRefusedError extends ResilienceError {
  readonly reason: BulkheadRefusalReason;

  constructor(reason: BulkheadRefusalReason) {
    super(`The bulkhead refused the job: ${reason}`, {
      code: 'bulkhead-refused',
      category: 'protection',
      retryAfterMs: undefined,
      details: { reason },
    });
    this.reason = reason;
  }
}
