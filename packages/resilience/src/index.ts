export {
  type Backoff,
  backoffDelayMs,
  backoffSchedule,
  type ExponentialBackoff,
  type Jitter,
  type Random,
  type ScheduledBackoff,
} from './backoff.ts';
export { AdaptiveTimeout, type AdaptiveTimeoutOptions } from './adaptive-timeout.ts';
export {
  type BreakerState,
  type BreakerChangeCause,
  type BreakerChange,
  type BreakerListener,
  type Permit,
  type Refusal,
  type Admission,
  BreakerRefusedError,
} from './breaker/breaker-state.ts';
export {
  type AdaptiveCooldown,
  type BreakerOptions,
  type BreakerSnapshot,
  type BreakerStatus,
  parseBreakerSnapshot,
} from './breaker/breaker-state.ts';
export { type BreakerSetup, CircuitBreaker } from './breaker/circuit-breaker.ts';
export {
  type ConsecutiveOptions,
  type CountWindowOptions,
  type StrategyOptions,
  type TimeWindowOptions,
} from './breaker/windows.ts';
export {
  Bulkhead,
  type BulkheadOptions,
  type BulkheadOutcome,
  type BulkheadRefusalReason,
  BulkheadRefusedError,
  type BulkheadRequest,
  type BulkheadStatus,
} from './bulkhead/bulkhead.ts';
export { FairQueue, type Lane, type Priority, type Queueable } from './bulkhead/fair-queue.ts';
export * from './classification.ts';
export { type CancelTimer, type Clock, systemClock, wait } from './clock.ts';
export {
  type Call,
  type CallContext,
  type CallOutcome,
  type CallRejected,
  type CallRequest,
  type Policies,
  type Rejection,
  type ComposedPolicies,
  compose,
} from './compose/compose.ts';
export {
  DEFAULT_TIMEOUT_MS,
  DeadlineExceededError,
  type DeadlineOptions,
  type DeadlineOutcome,
  tryWithDeadline,
  withDeadline,
} from './deadline.ts';
export * from './profiles.ts';
export * from './rate-limit.ts';
export * from './resilience-error.ts';
export {
  type Attempt,
  type AttemptContext,
  type RetryFailure,
  type RetryNotice,
  type RetryOptions,
  type RetryOutcome,
  type RetryPolicy,
  retry,
  retryOrThrow,
} from './retry.ts';
