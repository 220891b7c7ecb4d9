import { type Backoff, type Random, backoffDelayMs, checkBackoff } from '../backoff.ts';
import { checkInteger, checkNumber } from '../checks.ts';
import type { Classification } from './classification.ts';

/** When to try again. Plain data. */
export interface RetryPolicy {
  /** How often the operation runs at most; the first run counts. At least 1. */
  readonly maxAttempts: number;
  readonly backoff: Backoff;
  /** Time for everything, waits included, ms: no wait begins that would end later. Default: no limit. */
  readonly budgetMs?: number | undefined;
  /** A longer Retry-After ends the run instead of holding its slot, ms. Default 120_000. */
  readonly maxRetryAfterMs?: number | undefined;
}

/** Two breaker cool-downs of seed 000: whoever asks for more is better served by a new job than by a held slot. */
export const DEFAULT_MAX_RETRY_AFTER_MS = 120_000;

export type RetryDecision =
  | { readonly kind: 'wait'; readonly delayMs: number }
  | { readonly kind: 'stop'; readonly why: 'not-retryable' | 'exhausted' | 'deadline' };

/** @throws {RangeError} naming the field that cannot be used */
export function checkRetryPolicy(policy: RetryPolicy): void {
  checkInteger('maxAttempts', policy.maxAttempts, 1);
  checkBackoff(policy.backoff);
  if (policy.budgetMs !== undefined) checkNumber('budgetMs', policy.budgetMs, 0);
  if (policy.maxRetryAfterMs !== undefined) checkNumber('maxRetryAfterMs', policy.maxRetryAfterMs, 0);
}

/**
 * Decides what follows failed attempt `attempt` (1-based), `elapsedMs` after the first began.
 *
 * The wait is the backoff's delay or the Retry-After, whichever is longer: Retry-After is a floor, never a shortcut.
 */
export function decideRetry(
  policy: RetryPolicy,
  attempt: number,
  { retryable, retryAfterMs = 0 }: Classification,
  elapsedMs: number,
  random: Random,
): RetryDecision {
  if (!retryable) return { kind: 'stop', why: 'not-retryable' };
  if (attempt >= policy.maxAttempts) return { kind: 'stop', why: 'exhausted' };
  const delayMs = Math.max(backoffDelayMs(policy.backoff, attempt, random), retryAfterMs);
  const tooLong = retryAfterMs > (policy.maxRetryAfterMs ?? DEFAULT_MAX_RETRY_AFTER_MS);
  const tooLate = policy.budgetMs !== undefined && elapsedMs + delayMs > policy.budgetMs;
  return tooLong || tooLate ? { kind: 'stop', why: 'deadline' } : { kind: 'wait', delayMs };
}
