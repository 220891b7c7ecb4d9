import {
  decide,
  errorWords,
  type RequestDecision,
  type StoryMessage,
  type TtsJobEvent,
} from '@taleback/core';
import type { JobQueue } from '../events/pubsub.node.ts';
import { type ApplyOptions, applyMessage } from '../stories/apply-message.ts';
import type { Denial, KnownAttempt, OpeningDecision, StoryStore, StoryText } from '../stories/story-store.ts';

export interface OpenOptions extends ApplyOptions {
  readonly stories: Pick<StoryStore, 'apply' | 'open'>;
  readonly queue: JobQueue;
  /** How long a job may wait before its lease expires. */
  readonly pendingLeaseMs: number;
}

/** What to do about a request, and the job to queue when an attempt is opened. */
export interface Opening {
  readonly decision: OpeningDecision;
  readonly job?: TtsJobEvent;
}

/** How opening ends. */
export type OpenAnswer =
  | {
      readonly kind: RequestDecision['kind'];
      readonly jobId: string | undefined;
      readonly attempt: number;
    }
  | Denial
  /** The queue did not take the job; the story is `failed` instead of waiting. */
  | { readonly kind: 'queue-away' };

/** Fails the story of a job that was never queued, so that it ends instead of waiting. */
const failUnqueued = async (
  storyId: string,
  jobId: string,
  fault: unknown,
  options: OpenOptions,
): Promise<void> => {
  const details = errorWords(fault);
  options.log('error', 'job could not be queued', { storyId, jobId, details });
  const message: StoryMessage = {
    kind: 'failed',
    jobId,
    error: 'The job could not be queued',
    details,
    code: 'queue_unavailable',
    retryable: true,
    metadata: undefined,
  };
  const { autoRetry, pendingLeaseMs: leaseMs } = options;
  const context = { source: 'dispatch' as const, nowMs: options.now(), leaseMs, autoRetry };
  await applyMessage(
    { storyId, jobId, isLastWord: true },
    (story, attempt) => decide(story, attempt, message, context),
    options,
  );
};

/**
 * Opens an attempt and queues its job. The attempt is written first: a job without one could not be distinguished from
 * a stray job. If the process dies in between, the lease expires and the sweeper ends the attempt.
 *
 * @throws Error when `decideOpening` opens an attempt without a job
 */
export const openAttempt = async (
  storyId: string,
  jobId: string,
  decideOpening: (story: StoryText | undefined, attempt?: KnownAttempt) => Opening,
  options: OpenOptions,
): Promise<OpenAnswer> => {
  let job: TtsJobEvent | undefined;
  const answer = await options.stories.open(storyId, jobId, (story, attempt) => {
    const opening = decideOpening(story, attempt);
    job = opening.job;
    return opening.decision;
  });
  if (answer.kind === 'store-away')
    options.log('error', 'Firestore is away', { storyId, cause: answer.cause });
  if (answer.kind !== 'opened') return answer;
  if (job === undefined) throw new Error('an attempt was opened without a job');
  try {
    await options.queue.publish(job);
  } catch (fault) {
    await failUnqueued(storyId, jobId, fault, options);
    return { kind: 'queue-away' };
  }
  options.log('info', 'job queued', { storyId, jobId, attempt: answer.attempt });
  return { kind: 'opened', jobId, attempt: answer.attempt };
};
