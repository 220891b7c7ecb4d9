import {
  type Budget,
  checkStory,
  errorWords,
  type RequestDecision,
  type StoryLimits,
  type TtsJobEvent,
} from '@taleback/core';
import { type ApplyOptions, applyMessage, failureOf } from '../stories/apply-message.ts';
import type { StoryStore } from '../stories/firestore-stories.node.ts';
import type { Account, DecideOpening, Denial } from '../stories/opening.ts';

/** Jobs for the workers. */
export interface JobQueue {
  /** Resolves when the queue has the job durably. @throws when it does not take it */
  readonly publish: (job: TtsJobEvent) => Promise<void>;
}

export interface OpenOptions extends ApplyOptions {
  readonly stories: Pick<StoryStore, 'apply' | 'open'>;
  readonly queue: JobQueue;
  /** How long a job may wait before its lease expires. */
  readonly pendingLeaseMs: number;
  /** What the user may have. Default: the attempt counts for no budget. */
  readonly budget?: Budget | undefined;
}

/** The attempt to open. */
export interface OpenRequest {
  readonly storyId: string;
  readonly jobId: string;
  /** Whose budget it counts for. Default: none. */
  readonly counted?: Omit<Account, 'budget' | 'nowMs' | 'leaseMs'>;
  /** What identifies the request: one that comes again under any of the keys gets the first one's answer. Default: nothing. */
  readonly keys?: readonly string[];
}

/** How opening ends. */
export type OpenAnswer =
  | { readonly kind: RequestDecision['kind']; readonly jobId: string | undefined; readonly attempt: number }
  | Denial
  /** The queue did not take the job; the story is `failed` instead of waiting. */
  | { readonly kind: 'queue-away' };

/** Why a text cannot be narrated; undefined when it can. */
export const findUnfit = (
  story: { readonly text: string; readonly language: string },
  limits: StoryLimits,
): Denial | undefined => {
  const check = checkStory(story, limits);
  if (check.ok) return undefined;
  const { code, field, sentence } = check;
  return { kind: 'unfit', code, field, sentence };
};

/**
 * Opens an attempt and queues its job. The attempt is written first: a job without one could not be distinguished from
 * a stray job. If the process dies in between, the lease expires and the sweeper ends the attempt.
 */
export const openAttempt = async (
  { storyId, jobId, counted, keys = [] }: OpenRequest,
  decideOpening: DecideOpening,
  options: OpenOptions,
): Promise<OpenAnswer> => {
  const { stories, queue, log, budget, pendingLeaseMs: leaseMs } = options;
  const nowMs = options.now();
  const account = budget && counted && { ...counted, budget, nowMs, leaseMs };
  const opening = await stories.open({ storyId, jobId, account, request: { keys, nowMs } }, decideOpening);
  if (opening.kind === 'store-away') log('error', 'Firestore is away', { storyId, cause: opening.cause });
  if (opening.kind !== 'opened') return opening;
  const { kind, attempt, job } = opening;
  try {
    await queue.publish(job);
  } catch (fault) {
    const details = errorWords(fault);
    log('error', 'job could not be queued', { storyId, jobId, details });
    const failure = failureOf('queue_unavailable', { jobId, details });
    const message = { ...failure, error: 'The job could not be queued', retryable: true };
    await applyMessage({ storyId, jobId, message, source: 'dispatch' }, options);
    return { kind: 'queue-away' };
  }
  log('info', 'job queued', { storyId, jobId, attempt });
  return { kind, jobId, attempt };
};
