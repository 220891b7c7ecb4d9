import {
  checkStory,
  decide,
  decideRequest,
  type RequestDecision,
  type StoryLimits,
  type StoryMessage,
  type TtsJobEvent,
  ttsJobEvent,
} from '@taleback/core';
import type { Log, StoryStore } from '../receive/index.ts';
import { parseAudioRequest } from './parse-request.ts';
import type { AttemptStore, Denial, JobQueue, StoryText } from './ports.ts';

/** How a request ends. */
export type RequestAnswer =
  | {
      readonly kind: 'opened' | 'under-way' | 'already-ready';
      readonly jobId: string | undefined;
      readonly attempt: number;
    }
  /** The request itself is malformed. */
  | { readonly kind: 'invalid'; readonly sentence: string }
  | Denial
  /** The queue did not take the job; the story is `failed`, so that nobody waits for it. */
  | { readonly kind: 'queue-away' };

export interface RequestOptions {
  readonly attempts: AttemptStore;
  readonly stories: StoryStore;
  readonly queue: JobQueue;
  readonly limits: StoryLimits;
  readonly defaultVoice: string;
  readonly callbackUrl: string;
  readonly pendingLeaseMs: number;
  readonly log: Log;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** An id that nobody else makes. */
  readonly newId: () => string;
}

/** Tells the story that its job was never queued, so that it ends instead of waiting. */
const failUnqueued = async (
  storyId: string,
  jobId: string,
  fault: unknown,
  options: RequestOptions,
): Promise<void> => {
  const details = fault instanceof Error ? fault.message : String(fault);
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
  const context = { source: 'dispatch' as const, nowMs: options.now(), leaseMs: options.pendingLeaseMs };
  await options.stories.apply({ storyId, jobId }, (story, attempt) =>
    decide(story, attempt, message, context),
  );
};

/**
 * Opens an attempt for a person's own story and queues its job.
 *
 * The attempt is written before the job is queued: a job nobody knows of could not be told from a stray one. If
 * the process dies in between, the story's lease runs out and Try Again opens the next attempt.
 */
export const requestAudio = async (
  kind: 'request' | 'retry',
  userId: string,
  data: unknown,
  options: RequestOptions,
): Promise<RequestAnswer> => {
  const parsed = parseAudioRequest(data);
  if (!parsed.ok) return { kind: 'invalid', sentence: parsed.sentence };
  const { storyId, voiceId, language } = parsed.value;
  const jobId = options.newId();
  let job: TtsJobEvent | undefined;

  const decideOpening = (story: StoryText | undefined): RequestDecision | Denial => {
    if (story === undefined || story.userId !== userId) return { kind: 'no-such-story' };
    const text = story.text ?? '';
    const spoken = language ?? story.language ?? 'en';
    const request = {
      kind,
      newJobId: jobId,
      requestedBy: userId,
      nowMs: options.now(),
      leaseMs: options.pendingLeaseMs,
    };
    const decision = decideRequest(story.audio, { ...request, voiceId, language });
    if (decision.kind !== 'opened') return decision;
    const check = checkStory({ text, language: spoken }, options.limits);
    if (!check.ok) return { kind: 'unfit', code: check.code, field: check.field, sentence: check.sentence };
    job = ttsJobEvent({
      jobId,
      attempt: decision.attempt,
      storyId,
      userId,
      text,
      voiceId: voiceId ?? story.voiceId ?? options.defaultVoice,
      voiceName: voiceId === undefined || voiceId === story.voiceId ? story.voiceName : undefined,
      title: story.title,
      language: spoken,
      storyType: story.storyType ?? 'user',
      callbackUrl: options.callbackUrl,
    });
    // The old voice's name would stay for good: the worker tells no name for a voice that it was given none of.
    const isOtherVoice = voiceId !== undefined && voiceId !== story.voiceId;
    const { set, remove } = decision.story;
    return isOtherVoice ? { ...decision, story: { set, remove: [...remove, 'voiceName'] } } : decision;
  };

  const answer = await options.attempts.open(storyId, jobId, decideOpening);
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
  options.log('info', 'job queued', { storyId, jobId, attempt: answer.attempt, kind });
  return { kind: 'opened', jobId, attempt: answer.attempt };
};
