import { type ErrorCategory, type ErrorCode, describeError } from '../errors/catalogue.ts';
import type { FailedMessage } from './message.ts';
import type { StoryAudio, TransitionContext } from './story-audio.ts';

/** Kinds of trouble that pass without anybody doing anything about the story, its voice or the model. */
const PASSING: ReadonlySet<ErrorCategory> = new Set([
  'network',
  'timeout',
  'provider',
  'resource',
  'internal',
  'protection',
]);

/** Of those, what somebody wanted: a cancelled job shall not come back, and a switch that is off stays off. */
const WANTED: ReadonlySet<ErrorCode> = new Set(['job_cancelled', 'synthesis_disabled']);

/**
 * Whether the same narration may well succeed in a few minutes without a person: the failure is said to be
 * retryable, its category is one that passes, and nobody wanted it.
 */
export const isTransient = (failure: Pick<FailedMessage, 'code' | 'retryable'>): boolean =>
  failure.retryable && PASSING.has(describeError(failure.code).category) && !WANTED.has(failure.code);

/**
 * When a failure of the current job is tried again by itself; undefined when it is a person's turn. Only attempts
 * that were opened here are: a story that other systems narrate has none, and its next job would not be theirs.
 */
export const autoRetryAt = (
  story: StoryAudio,
  failure: FailedMessage,
  { autoRetry, nowMs }: TransitionContext,
): Date | undefined => {
  if (autoRetry === undefined || story.attempt === 0 || !story.mayRetryByItself) return undefined;
  if (story.autoRetries >= autoRetry.limit) return undefined;
  const delayMs = autoRetry.delaysMs[story.autoRetries] ?? autoRetry.delaysMs.at(-1);
  return delayMs === undefined || !isTransient(failure) ? undefined : new Date(nowMs + delayMs);
};

/** Whether the time has come to try a failed narration again. */
export const isRetryDue = ({ status, retryAtMs }: StoryAudio, nowMs: number): boolean =>
  status === 'failed' && retryAtMs !== undefined && retryAtMs <= nowMs;
