export { type Classification, type Classify, classifyHttpStatus, parseRetryAfter } from './classification.ts';
export { type Attempt, type RetryOptions, retry, retryOrThrow } from './retry.ts';
export type { RetryFailure, RetryOutcome } from './retry-outcome.ts';
export { checkRetryPolicy, type RetryPolicy } from './retry-policy.ts';
export {
  type Attemptable,
  type AttemptContext,
  type AttemptOptions,
  type RetryNotice,
  runAttempts,
} from './run-attempts.ts';
