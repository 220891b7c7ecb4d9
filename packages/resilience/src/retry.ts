import { type Backoff, backoffDelayMs, checkBackoff, type Random } from './backoff.ts';
import { checkInteger, checkNumber } from './checks.ts';
import { type Clock, systemClock, wait } from './clock.ts';
import { withDeadline } from './deadline.ts';
import type { Classification, Classify } from './classification.ts';

/** When to retry. Plain data. */
export interface RetryPolicy {
  /** Runs at most, the first included. At least 1. */
  readonly maxAttempts: number;
  readonly backoff: Backoff;
  /** Time for everything, waits included, ms: no wait begins that would end then or later. Default: no limit. */
  readonly budgetMs?: number | undefined;
  /** A longer Retry-After ends the run instead of holding its slot, ms. Default 120_000. */
  readonly maxRetryAfterMs?: number | undefined;
}

/** @see docs/origins.md#circuit-breaker: two cool-downs; for a longer wait, a new job is better than a held slot */
export const DEFAULT_MAX_RETRY_AFTER_MS = 120_000;

export interface AttemptContext {
  /** 1-based. */
  readonly attempt: number;
  /** The signal given in the options, if any. */
  readonly signal: AbortSignal | undefined;
}

export interface RetryNotice {
  /** The attempt that failed, 1-based. */
  readonly attempt: number;
  readonly error: unknown;
  /** The wait that begins now, ms. */
  readonly delayMs: number;
}

/** The options of a run that `retry` and `compose` share. */
export interface AttemptOptions extends RetryPolicy {
  readonly classify: Classify;
  /** Called before every wait. */
  readonly onRetry?: ((notice: RetryNotice) => void) | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
}

export interface RetryOptions extends AttemptOptions {
  /** Ends the attempt or the wait that is under way. */
  readonly signal?: AbortSignal | undefined;
}

export type Attempt<T> = (context: AttemptContext) => PromiseLike<T>;

/** How a retried operation ended. `attempts` counts the runs that began, the first included. */
export type RetryOutcome<T> =
  | { readonly kind: 'succeeded'; readonly value: T; readonly attempts: number }
  | RetryFailure;

export interface RetryFailure {
  /**
   * exhausted: every attempt was used · not-retryable: the last error is not transient · deadline: the next wait would
   * pass the budget, or Retry-After exceeds `maxRetryAfterMs` · aborted: `lastError` is the signal's reason.
   */
  readonly kind: 'exhausted' | 'not-retryable' | 'deadline' | 'aborted';
  readonly attempts: number;
  readonly lastError: unknown;
  /** The last Retry-After, ms, if there was one. */
  readonly retryAfterMs: number | undefined;
}

/**
 * Runs `operation` until it succeeds or there is a reason to stop, and returns which. Rejects only when `classify` or
 * `onRetry` throws. The signal ends an attempt as well as a wait; the late result of an operation that ignores the
 * signal is dropped.
 *
 * @throws {RangeError} when an option is out of range
 *
 * @example
 * import { retry } from '@taleback/resilience';
 * const outcome = await retry(async ({ attempt }) => (attempt < 2 ? Promise.reject(new Error('busy')) : 'done'), {
 *   maxAttempts: 3,
 *   backoff: { kind: 'exponential', initialMs: 10, maxMs: 40, jitter: 'full' },
 *   classify: () => ({ retryable: true }),
 * });
 * console.log(outcome); // { kind: 'succeeded', value: 'done', attempts: 2 }
 */
export function retry<T>(operation: Attempt<T>, options: RetryOptions): Promise<RetryOutcome<T>> {
  checkRetryPolicy(options);
  const { signal } = options;
  if (signal === undefined) return runAttempts(operation, options);
  const attempt: Attempt<T> = (context) =>
    withDeadline(() => operation(context), Number.POSITIVE_INFINITY, { signal });
  return runAttempts(attempt, options);
}

async function runAttempts<T>(operation: Attempt<T>, options: RetryOptions): Promise<RetryOutcome<T>> {
  const { signal } = options;
  if (signal?.aborted === true) return abortedAfter(0, signal);
  const startedMs = startOfBudget(options);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return { kind: 'succeeded', value: await operation({ attempt, signal }), attempts: attempt };
    } catch (error) {
      const failure = await afterFailure({ attempt, error, startedMs }, options, signal);
      if (failure !== undefined) return failure;
    }
  }
}

/**
 * `retry` for callers that want the value or an exception.
 *
 * @throws the operation's last error as it was, or the signal's reason
 *
 * @example
 * import { kokoro, retryOrThrow } from '@taleback/resilience';
 * const value = await retryOrThrow(async () => 7, { ...kokoro.retry, classify: () => ({ retryable: true }) });
 * console.log(value); // 7
 */
export async function retryOrThrow<T>(operation: Attempt<T>, options: RetryOptions): Promise<T> {
  const outcome = await retry(operation, options);
  if (outcome.kind === 'succeeded') return outcome.value;
  throw outcome.lastError;
}

/** @throws {RangeError} naming the field that is out of range */
export function checkRetryPolicy(policy: RetryPolicy): void {
  checkInteger('maxAttempts', policy.maxAttempts, 1);
  checkBackoff(policy.backoff);
  if (policy.budgetMs !== undefined) checkNumber('budgetMs', policy.budgetMs, 0);
  if (policy.maxRetryAfterMs !== undefined) checkNumber('maxRetryAfterMs', policy.maxRetryAfterMs, 0);
}

/** When a run began, epoch ms; the clock is read only for a run with a budget. */
export function startOfBudget({ budgetMs, clock = systemClock }: AttemptOptions): number {
  return budgetMs === undefined ? 0 : clock.now();
}

/** What follows a failed attempt (1-based) of a run: undefined, once it is time for the next, or why there is none. */
export async function afterFailure(
  { attempt, error, startedMs }: { attempt: number; error: unknown; startedMs: number },
  options: AttemptOptions,
  signal: AbortSignal | undefined,
): Promise<RetryFailure | undefined> {
  if (signal?.aborted === true) return abortedAfter(attempt, signal);
  const { clock = systemClock, budgetMs, onRetry } = options;
  const classification = options.classify(error);
  const elapsedMs = budgetMs === undefined ? 0 : clock.now() - startedMs;
  const next = decideRetry(options, attempt, classification, elapsedMs);
  if (typeof next === 'string') {
    return { kind: next, attempts: attempt, lastError: error, retryAfterMs: classification.retryAfterMs };
  }
  onRetry?.({ attempt, error, delayMs: next });
  if ((await wait(clock, next, signal)) === 'aborted') return abortedAfter(attempt, signal);
  return undefined;
}

/** The wait before the next attempt, ms: the backoff's delay or the Retry-After, whichever is longer; or why to stop. */
function decideRetry(
  policy: AttemptOptions,
  attempt: number,
  { retryable, retryAfterMs = 0 }: Classification,
  elapsedMs: number,
): number | Exclude<RetryFailure['kind'], 'aborted'> {
  if (!retryable) return 'not-retryable';
  if (attempt >= policy.maxAttempts) return 'exhausted';
  const delayMs = Math.max(backoffDelayMs(policy.backoff, attempt, policy.random), retryAfterMs);
  const tooLong = retryAfterMs > (policy.maxRetryAfterMs ?? DEFAULT_MAX_RETRY_AFTER_MS);
  const tooLate = policy.budgetMs !== undefined && elapsedMs + delayMs >= policy.budgetMs;
  return tooLong || tooLate ? 'deadline' : delayMs;
}

export function abortedAfter(attempts: number, signal: AbortSignal | undefined): RetryFailure {
  return { kind: 'aborted', attempts, lastError: signal?.reason, retryAfterMs: undefined };
}
