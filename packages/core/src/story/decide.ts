import { attemptChange, storyChange } from './changes.ts';
import type { StoryMessage } from './message.ts';
import type { AttemptAudio, AudioStatus, Change, StoryAudio, TransitionContext } from './story-audio.ts';

/**
 * What a message does. Every one of these is answered 200: only a fault of the message itself is refused.
 *
 * - `applied`: the message is about the story's current job and moves it
 * - `adopted`: the story takes over the id of the job whose state it has already
 * - `fenced`: the message is about another job; it is recorded on that job's attempt and the story stays
 * - `duplicate`: that job already ended this way
 * - `stale`: that job already ended better
 */
export type Decision =
  | {
      readonly kind: 'applied' | 'adopted';
      readonly story: Change;
      readonly attempt: AttemptWrite | undefined;
    }
  | { readonly kind: 'fenced'; readonly attempt: AttemptWrite | undefined }
  | { readonly kind: 'duplicate' | 'stale' };

/** A change of `audioAttempts/{jobId}`, merged into the document. */
export interface AttemptWrite {
  readonly jobId: string;
  readonly change: Change;
}

type Advance = 'moves' | 'duplicate' | 'stale';

/** The rule for one job: ready is final, a late ready beats failed, nothing else leaves failed. */
const advance = (status: AudioStatus | undefined, message: StoryMessage): Advance => {
  const isOver = status === 'ready' || status === 'failed';
  switch (message.kind) {
    case 'ready':
      return status === 'ready' ? 'duplicate' : 'moves';
    case 'failed':
      if (status === 'ready') return 'stale';
      return status === 'failed' ? 'duplicate' : 'moves';
    case 'progress':
      return isOver ? 'stale' : 'moves';
    default:
      return message satisfies never;
  }
};

/** Fencing: whether the message is about the story's current job. One without a job id is. */
const isAboutCurrentJob = (story: StoryAudio, jobId: string | undefined): boolean =>
  jobId === undefined || story.jobId === undefined || jobId === story.jobId || jobId === story.runpodJobId;

const decideFenced = (
  jobId: string,
  attempt: AttemptAudio | undefined,
  message: StoryMessage,
  context: TransitionContext,
): Decision => {
  const moves = advance(attempt?.status, message) === 'moves';
  return {
    kind: 'fenced',
    attempt: moves ? { jobId, change: attemptChange(attempt?.status, message, context) } : undefined,
  };
};

/**
 * Decides what a message changes. Pure: the same story, attempt, message and time give the same decision, so a
 * transaction may repeat it.
 *
 * @param attempt the attempt that the message names, when there is such a document
 *
 * @example
 * const story = readStoryAudio({ audioStatus: 'processing', audioJobId: 'j1' });
 * const message = { kind: 'progress', jobId: 'j1', stage: 'encoding', progress: 0.9 } as const;
 * const context = { source: 'callback', nowMs: Date.now(), leaseMs: 600_000 } as const;
 * decide(story, undefined, message, context).kind; // 'applied'
 */
export const decide = (
  story: StoryAudio,
  attempt: AttemptAudio | undefined,
  message: StoryMessage,
  context: TransitionContext,
): Decision => {
  if (!isAboutCurrentJob(story, message.jobId)) {
    return decideFenced(message.jobId as string, attempt, message, context);
  }
  const jobId = story.jobId ?? message.jobId;
  const isAdopting = story.jobId === undefined && message.jobId !== undefined;
  const step = advance(story.status, message);
  if (step !== 'moves') {
    if (!isAdopting || jobId === undefined) return { kind: step };
    return {
      kind: 'adopted',
      story: { set: { audioJobId: jobId }, remove: [] },
      attempt: { jobId, change: { set: { status: story.status }, remove: [] } },
    };
  }
  const change = storyChange(story, message, context);
  const reached = story.status === 'processing' ? (story.progress ?? 0) : 0;
  const isNothingNew = !isAdopting && message.kind === 'progress' && (message.progress ?? 1) < reached;
  return {
    kind: 'applied',
    story: isAdopting ? { ...change, set: { ...change.set, audioJobId: jobId } } : change,
    attempt:
      jobId === undefined || isNothingNew
        ? undefined
        : { jobId, change: attemptChange(story.status, message, context) },
  };
};

/**
 * Whether a story's job counts as dead: it is under way, and its lease ran out or is missing.
 *
 * @example
 * isOverdue(readStoryAudio({ audioStatus: 'pending' }), Date.now()); // true
 */
export const isOverdue = ({ status, leaseExpiresAtMs }: StoryAudio, nowMs: number): boolean =>
  (status === 'pending' || status === 'processing') &&
  (leaseExpiresAtMs === undefined || leaseExpiresAtMs <= nowMs);

/**
 * Whether nothing has happened to a story's job since it was seen, so that what its silence meant still holds.
 *
 * @example
 * const story = readStoryAudio({ audioStatus: 'pending' });
 * isAsSeen(story, story); // true
 */
export const isAsSeen = (story: StoryAudio, seen: StoryAudio): boolean =>
  story.status === seen.status &&
  story.jobId === seen.jobId &&
  story.runpodJobId === seen.runpodJobId &&
  story.leaseExpiresAtMs === seen.leaseExpiresAtMs;

/**
 * Renews the lease of an overdue job that is known to be alive although it is silent.
 *
 * @example
 * const context = { source: 'sweeper', nowMs: Date.now(), leaseMs: 600_000 } as const;
 * decideRenewal(readStoryAudio({ audioStatus: 'processing' }), context).kind; // 'applied'
 */
export const decideRenewal = (story: StoryAudio, { nowMs, leaseMs }: TransitionContext): Decision => {
  if (!isOverdue(story, nowMs)) return { kind: 'stale' };
  const audioLeaseExpiresAt = new Date(nowMs + leaseMs);
  return { kind: 'applied', story: { set: { audioLeaseExpiresAt }, remove: [] }, attempt: undefined };
};

/**
 * Removes the time of the next retry from a story that cannot be retried automatically.
 *
 * @example
 * decideNoRetry(readStoryAudio({ audioStatus: 'failed' })).kind; // 'stale'
 */
export const decideNoRetry = ({ retryAtMs }: StoryAudio): Decision =>
  retryAtMs === undefined
    ? { kind: 'stale' }
    : { kind: 'applied', story: { set: {}, remove: ['audioRetryAt'] }, attempt: undefined };
