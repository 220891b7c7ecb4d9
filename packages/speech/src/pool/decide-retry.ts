import type { ErrorReport } from '@taleback/core';
import { backoffDelayMs, type Random } from '@taleback/resilience';
import type { TtsManagerConfig } from '../manager/manager-config.ts';
import { isWorthAnotherAtOnce, speaksAgainstWorker } from './worker-errors.ts';

export type RetryDecision =
  | { readonly kind: 'none' }
  /** Another process may do better at once: nothing was said against the request. */
  | { readonly kind: 'at-once' }
  | { readonly kind: 'later'; readonly delayMs: number };

/**
 * Whether, and when, a request is tried again after so many tries. Never what is wrong with the request itself, and
 * not when the engine asks for a longer wait than a worker is left alone for: the caller can wait that long as well.
 *
 * @see seed 000: retries after 1, 2, 4 seconds, none on client errors; with jitter, so that those who failed together
 * do not come back together
 */
export const decideRetry = (
  error: ErrorReport,
  attempts: number,
  { retry, circuitBreaker }: Pick<TtsManagerConfig, 'retry' | 'circuitBreaker'>,
  random: Random,
): RetryDecision => {
  const { maxAttempts, baseDelayMs } = retry;
  const { retryAfterMs = 0 } = error;
  if (!error.retryable || !speaksAgainstWorker(error) || attempts >= maxAttempts) return { kind: 'none' };
  if (isWorthAnotherAtOnce(error)) return { kind: 'at-once' };
  if (retryAfterMs > circuitBreaker.resetTimeoutMs) return { kind: 'none' };
  const maxMs = baseDelayMs * 4;
  const backoff = { kind: 'exponential', initialMs: baseDelayMs, maxMs, jitter: 'equal' } as const;
  return { kind: 'later', delayMs: Math.max(backoffDelayMs(backoff, attempts, random), retryAfterMs) };
};
