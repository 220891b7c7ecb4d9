import { type ErrorCategory, type ErrorCode, describeError } from '../errors/catalogue.ts';
import type { FailedMessage } from './message.ts';
import type { StoryAudio, TransitionContext } from './story-audio.ts';

/** Kinds of trouble that pass without a change of the story, its voice or the model. */
const PASSING: ReadonlySet<ErrorCategory> = new Set([
  'network',
  'timeout',
  'provider',
  'resource',
  'internal',
  'protection',
]);

/** Of those, what was intended: a cancelled job stays cancelled, and a switch that is off stays off. */
const WANTED: ReadonlySet<ErrorCode> = new Set(['job_cancelled', 'synthesis_disabled']);

/**
 * Whether the same narration may succeed in a few minutes without a person: the failure is retryable, its category is
 * one that passes, and it was not intended.
 *
 * @example
 * isTransient({ code: 'timed_out', retryable: true }); // true
 */
export const isTransient = (failure: Pick<FailedMessage, 'code' | 'retryable'>): boolean =>
  failure.retryable && PASSING.has(describeError(failure.code).category) && !WANTED.has(failure.code);

/**
 * When a failure of the current job is retried automatically; undefined when a person has to decide. Only attempts
 * that were opened here are retried.
 */
export const autoRetryAt = (
  story: StoryAudio,
  failure: FailedMessage,
  { autoRetry, nowMs }: TransitionContext,
): Date | undefined => {
  if (autoRetry === undefined || story.attempt === 0 || !story.mayAutoRetry) return undefined;
  if (story.autoRetries >= autoRetry.limit) return undefined;
  const delayMs = autoRetry.delaysMs[story.autoRetries] ?? autoRetry.delaysMs.at(-1);
  return delayMs === undefined || !isTransient(failure) ? undefined : new Date(nowMs + delayMs);
};

/**
 * Whether the time has come to try a failed narration again.
 *
 * @example
 * isRetryDue(readStoryAudio({ audioStatus: 'failed', audioRetryAt: new Date(0) }), Date.now()); // true
 */
export const isRetryDue = ({ status, retryAtMs }: StoryAudio, nowMs: number): boolean =>
  status === 'failed' && retryAtMs !== undefined && retryAtMs <= nowMs;
