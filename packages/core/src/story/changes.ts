import { type ErrorCategory, type ErrorCode, describeError } from '../errors/catalogue.ts';
import { present, textOf } from '../json.ts';
import type { FailedMessage, ProgressMessage, ReadyMessage, StoryMessage } from './message.ts';
import {
  AUDIO_GROUP,
  AUTO_RETRY_GROUP,
  type AttemptAudio,
  type AttemptStatus,
  type Change,
  ERROR_GROUP,
  RUNNING_GROUP,
  type StoryAudio,
  type TransitionContext,
} from './story-audio.ts';

/** Kinds of trouble that pass without a change of the story, its voice or the model. */
const PASSING: ReadonlySet<ErrorCategory> = new Set([
  'network',
  'timeout',
  'provider',
  'resource',
  'internal',
  'protection',
]);

/** Of those, what was intended: a cancelled job stays cancelled, a switch that is off stays off, a budget holds. */
const WANTED: ReadonlySet<ErrorCode> = new Set(['job_cancelled', 'synthesis_disabled', 'budget_spent']);

/**
 * Whether the same narration may succeed in a few minutes without a person: the failure is retryable, its category is
 * one that passes, and it was not intended.
 *
 * @example
 * isTransient({ code: 'timed_out', retryable: true }); // true
 */
export const isTransient = (failure: Pick<FailedMessage, 'code' | 'retryable'>): boolean =>
  failure.retryable && PASSING.has(describeError(failure.code).category) && !WANTED.has(failure.code);

/** When a failure of the current attempt of ours is retried automatically; undefined when a person has to decide. */
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

/** No retry is scheduled as far ahead: the waits are minutes. */
export const MAX_RETRY_WAIT_MS = 86_400_000;

/**
 * Whether the time of a retry will not come: it is no time, or more than a day ahead.
 *
 * @example
 * isRetryLost(readStoryAudio({ audioStatus: 'failed', audioRetryAt: 'soon' }), Date.now()); // true
 */
export const isRetryLost = ({ status, retryAtMs }: StoryAudio, nowMs: number): boolean =>
  status === 'failed' && retryAtMs !== undefined && retryAtMs > nowMs + MAX_RETRY_WAIT_MS;

/** Sets a group of fields and removes those of the group that the message does not carry. */
const replaceGroup = (group: readonly string[], fields: Record<string, unknown>): Change => {
  const set = present(fields);
  return { set, remove: group.filter((name) => !Object.hasOwn(set, name)) };
};

const progressChange = (story: StoryAudio, message: ProgressMessage, context: TransitionContext): Change => ({
  set: {
    audioStatus: 'processing',
    audioProgress: Math.max(story.status === 'processing' ? (story.progress ?? 0) : 0, message.progress ?? 0),
    audioLeaseExpiresAt: new Date(context.nowMs + context.leaseMs),
  },
  // A failed job that runs again takes its failure back.
  remove: story.status === 'failed' ? [...ERROR_GROUP, 'audioRetryAt'] : [],
});

const readyChange = (
  { voiceId, voiceName, language, ...message }: ReadyMessage,
  attempt: AttemptAudio | undefined,
): Change => {
  const audio = replaceGroup([...AUDIO_GROUP, 'audioTextHash'], {
    audioTextHash: attempt?.textHash,
    audioUrl: message.audioUrl,
    audioStoragePath: message.storagePath,
    audioDurationMs: message.durationMs,
    audioMetadata: message.metadata,
  });
  return {
    set: { audioStatus: 'ready', ...audio.set, ...present({ voiceId, voiceName, language }) },
    remove: [...audio.remove, ...ERROR_GROUP, ...RUNNING_GROUP, ...AUTO_RETRY_GROUP],
  };
};

const failedChange = (
  story: StoryAudio,
  attempt: AttemptAudio | undefined,
  message: FailedMessage,
  context: TransitionContext,
): Change => {
  const error = replaceGroup(ERROR_GROUP, {
    audioError: message.error,
    audioErrorDetails: message.details,
    audioErrorCode: message.code,
    audioErrorRetryable: message.retryable,
    audioErrorMetadata: message.metadata,
  });
  const retry = replaceGroup(['audioRetryAt'], {
    audioRetryAt: attempt?.number ? autoRetryAt(story, message, context) : undefined,
  });
  return {
    set: { audioStatus: 'failed', ...error.set, ...retry.set },
    remove: [...error.remove, ...RUNNING_GROUP, ...retry.remove],
  };
};

/**
 * What a message that counts changes on the story.
 *
 * @param attempt the attempt that it is about, if there is one
 */
export const storyChange = (
  story: StoryAudio,
  attempt: AttemptAudio | undefined,
  message: StoryMessage,
  context: TransitionContext,
): Change => {
  switch (message.kind) {
    case 'progress':
      return progressChange(story, message, context);
    case 'ready':
      return readyChange(message, attempt);
    case 'failed':
      return failedChange(story, attempt, message, context);
    default:
      return message satisfies never;
  }
};

/** What a message contains about an attempt, beside its status. */
const detailsOf = (message: StoryMessage): Record<string, unknown> => {
  if (message.kind === 'progress') return { stage: message.stage };
  const engine = textOf(message.metadata?.['engine']);
  const worker = textOf(message.metadata?.['worker_id']);
  if (message.kind === 'failed') {
    const { code, error, details, retryable } = message;
    return { error: present({ code, message: error, details, retryable }), engine, worker };
  }
  const { audioUrl, storagePath: audioStoragePath, durationMs, voiceId, language } = message;
  return { audioUrl, audioStoragePath, durationMs, voiceId, language, engine, worker };
};

/**
 * The history that a message writes on its attempt. Each status keeps its source and time in
 * `transitions.{status}`; a ready removes the error.
 *
 * @param from the status that the attempt leaves
 */
export const attemptChange = (
  from: AttemptStatus | undefined,
  message: StoryMessage,
  context: TransitionContext,
): Change => {
  const at = new Date(context.nowMs);
  const status = message.kind === 'progress' ? 'processing' : message.kind;
  return {
    set: present({
      ...detailsOf(message),
      status,
      updatedAt: at,
      endedAt: message.kind === 'progress' ? undefined : at,
      transitions: from === status ? undefined : { [status]: { source: context.source, at } },
    }),
    remove: message.kind === 'ready' ? ['error'] : [],
  };
};
