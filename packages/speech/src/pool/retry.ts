import { describeError, type ErrorReport, TalebackError } from '@taleback/core';
import { backoffDelayMs, type Random } from '@taleback/resilience';
import type { TtsManagerConfig } from './pool-config.ts';

/** Whether an error counts against the worker or service: an invalid request or voice does not. */
export const countsAgainstWorker = ({ code }: Pick<ErrorReport, 'code'>): boolean => {
  const { category } = describeError(code);
  return category !== 'input' && category !== 'voice';
};

export type RetryDecision =
  | { readonly kind: 'none' }
  /** Only the process was slow or lost: another one may do better at once. */
  | { readonly kind: 'at-once' }
  | { readonly kind: 'later'; readonly delayMs: number };

/**
 * Whether, and when, a request is tried again after so many attempts. Never for an invalid request, and not when the engine
 * asks for a longer wait than a worker's cool-down: the caller can wait that long as well.
 *
 * @see docs/origins.md#retries
 */
export const decideRetry = (
  error: ErrorReport,
  attempts: number,
  { retry, circuitBreaker }: Pick<TtsManagerConfig, 'retry' | 'circuitBreaker'>,
  random: Random,
): RetryDecision => {
  const { maxAttempts, baseDelayMs } = retry;
  const { code, retryable, retryAfterMs = 0 } = error;
  if (!retryable || !countsAgainstWorker(error) || attempts >= maxAttempts) return { kind: 'none' };
  if (code === 'worker_lost' || code === 'timed_out') return { kind: 'at-once' };
  if (retryAfterMs > circuitBreaker.resetTimeoutMs) return { kind: 'none' };
  const maxMs = baseDelayMs * 4;
  const backoff = { kind: 'exponential', initialMs: baseDelayMs, maxMs, jitter: 'equal' } as const;
  return { kind: 'later', delayMs: Math.max(backoffDelayMs(backoff, attempts, random), retryAfterMs) };
};

/** No process comes up. */
export const noWorker = (details: string): TalebackError =>
  new TalebackError('model_loading_failed', 'No speech process could be started.', { details });

export const closing = (): TalebackError => new TalebackError('job_cancelled', 'The speech pool is closing.');

export const timedOut = (timeoutMs: number): ErrorReport => ({
  code: 'timed_out',
  message: 'A part of the text took too long to speak.',
  details: `no answer within ${Math.round(timeoutMs)} ms`,
  retryable: true,
});

export const workerLost = (details: string): ErrorReport => ({
  code: 'worker_lost',
  message: 'The speech process was lost.',
  details,
  retryable: true,
});
