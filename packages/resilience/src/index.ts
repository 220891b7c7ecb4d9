export { wait } from './abort.ts';
export {
  type Backoff,
  backoffDelayMs,
  backoffSchedule,
  type ExponentialBackoff,
  type Jitter,
  type Random,
  type ScheduledBackoff,
} from './backoff.ts';
export type { AdaptiveCooldown, BreakerOptions } from './breaker/breaker-options.ts';
export {
  type BreakerSnapshot,
  type BreakerStatus,
  parseBreakerSnapshot,
} from './breaker/breaker-snapshot.ts';
export {
  type Admission,
  type BreakerChange,
  type BreakerChangeCause,
  type BreakerListener,
  BreakerRefusedError,
  type BreakerState,
  type Permit,
  type Refusal,
  type RefusalReason,
} from './breaker/breaker-state.ts';
export { type BreakerSetup, CircuitBreaker } from './breaker/circuit-breaker.ts';
export type {
  ConsecutiveOptions,
  CountWindowOptions,
  StrategyOptions,
  TimeWindowOptions,
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
export { type CancelTimer, type Clock, systemClock } from './clock.ts';
export type {
  Call,
  CallContext,
  CallOutcome,
  CallRejected,
  CallRequest,
  Rejection,
} from './compose/call-run.ts';
export { type ComposedPolicies, compose } from './compose/compose.ts';
export { createPolicies, type Policies, type PolicySetup } from './compose/policies.ts';
export { AdaptiveTimeout, type AdaptiveTimeoutOptions } from './deadline/adaptive-timeout.ts';
export {
  DEFAULT_TIMEOUT_MS,
  DeadlineExceededError,
  type DeadlineOptions,
  type DeadlineOutcome,
  tryWithDeadline,
  withDeadline,
} from './deadline/deadline.ts';
export { edge, elevenlabs, guarded, kokoro, type ResilienceProfile, worker } from './profiles.ts';
export {
  createRateLimiter,
  KeyedRateLimiter,
  type KeyedRateLimiterOptions,
  RateLimitedError,
  type RateLimiter,
  type RateLimitOptions,
  type SlidingWindowOptions,
  type TakeResult,
  type TokenBucketOptions,
} from './rate-limit.ts';
export { isResilienceError, ResilienceError, type ResilienceErrorCode } from './resilience-error.ts';
export {
  type Classification,
  type Classify,
  classifyHttpStatus,
  parseRetryAfter,
} from './retry/classification.ts';
export {
  type Attempt,
  type AttemptContext,
  type RetryFailure,
  type RetryNotice,
  type RetryOptions,
  type RetryOutcome,
  retry,
  retryOrThrow,
} from './retry/retry.ts';
export type { RetryPolicy } from './retry/retry-policy.ts';
