/** Why a retried operation stopped. `attempts` counts the runs that were begun, the first included. */
export type RetryOutcome<T> =
  | { readonly kind: 'succeeded'; readonly value: T; readonly attempts: number }
  | RetryFailure;

export type RetryFailure =
  /** Every attempt was spent. */
  | (Failed & { readonly kind: 'exhausted' })
  /** The last error is not transient. */
  | (Failed & { readonly kind: 'not-retryable' })
  /** The next wait would pass the budget, or the other side asked for a longer wait than allowed. */
  | (Failed & { readonly kind: 'deadline' })
  /** The signal aborted; `lastError` is its reason. */
  | (Failed & { readonly kind: 'aborted' });

interface Failed {
  readonly attempts: number;
  readonly lastError: unknown;
  /** What the other side last asked for, ms, if it did. */
  readonly retryAfterMs: number | undefined;
}
