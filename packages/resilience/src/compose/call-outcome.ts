import { BreakerRefusedError, type RefusalReason } from '../breaker/index.ts';
import { type BulkheadRefusalReason, BulkheadRefusedError } from '../bulkhead/index.ts';
import { assertNever } from '../checks/index.ts';
import { RateLimitedError } from '../rate-limit/index.ts';
import type { RetryOutcome } from '../retry/index.ts';

/** How a composed call ended: as a retry does, or turned away by a policy. */
export type CallOutcome<T> = RetryOutcome<T> | CallRejected;

export type CallRejected = Rejection & {
  readonly kind: 'rejected';
  /** Attempts that were made before. */
  readonly attempts: number;
  /** What the last of them threw, if there was one. */
  readonly lastError: unknown;
};

export type Rejection = {
  /** ms until trying again makes sense, when known. */
  readonly retryAfterMs: number | undefined;
} & (
  | { readonly by: 'breaker'; readonly reason: RefusalReason }
  | { readonly by: 'bulkhead'; readonly reason: Exclude<BulkheadRefusalReason, 'aborted'> }
  | { readonly by: 'rate-limit' | 'tenant-limit'; readonly reason: 'rate-limited' }
);

/** The exception that stands for an outcome without a value. */
export function toError(outcome: Exclude<CallOutcome<unknown>, { kind: 'succeeded' }>): unknown {
  if (outcome.kind !== 'rejected') return outcome.lastError;
  switch (outcome.by) {
    case 'breaker':
      return new BreakerRefusedError({ admitted: false, ...outcome });
    case 'bulkhead':
      return new BulkheadRefusedError(outcome.reason);
    case 'rate-limit':
    case 'tenant-limit':
      return new RateLimitedError(outcome.retryAfterMs);
    default:
      return assertNever(outcome);
  }
}
