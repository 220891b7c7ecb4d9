import { attemptChange, storyChange } from './changes.ts';
import type { ReadyMessage, StoryMessage } from './message.ts';
import {
  AUDIO_GROUP,
  type AttemptAudio,
  type AttemptStatus,
  type Change,
  ERROR_GROUP,
  isEnded,
  isUnderWay,
  RUNNING_GROUP,
  type StoryAudio,
  type TransitionContext,
} from './story-audio.ts';

/**
 * What a message does. Every kind is answered 200: only a fault of the message itself is refused.
 *
 * - `applied`: it moves the story
 * - `fenced`: it does not count for the story; it is recorded on the attempt of its job
 * - `duplicate`: that job already ended this way
 * - `stale`: that job already ended better
 */
export interface Decision {
  readonly kind: 'applied' | 'fenced' | 'duplicate' | 'stale';
  /** Default: the story stays as it is. */
  readonly story?: Change | undefined;
  readonly attempt?: AttemptWrite | undefined;
  /** The event that the change publishes; its number is the story's new `audioEventSequence`. */
  readonly event?: StoryEventKind | undefined;
  /** Whether a ready of the message's job would still count. False stops its worker. */
  readonly isWanted?: boolean | undefined;
}

/** A change of `audioAttempts/{jobId}`, merged into the document. */
export interface AttemptWrite {
  readonly jobId: string;
  readonly change: Change;
}

/**
 * - `ready` and `failed`: the end of a narration
 * - `gave-up`: a narration that failed before is not retried automatically after all
 * - `updated`: a narration that was ready without an address has one
 * - `cancelled`: a person cancelled the narration
 */
export type StoryEventKind = 'ready' | 'failed' | 'gave-up' | 'updated' | 'cancelled';

/** The attempts that a decision is about, when there are such documents. */
export interface Attempts {
  /** The one that the message names, by our id or by RunPod's. */
  readonly named?: AttemptAudio | undefined;
  /** The one that the story names as its current job. */
  readonly current?: AttemptAudio | undefined;
}

type Advance = 'moves' | 'duplicate' | 'stale';

/** The rule for one job: ready is final, a late ready beats failed, nothing else leaves an end. */
const advance = (
  status: AttemptStatus | undefined,
  message: StoryMessage,
  isRunning: boolean | undefined,
): Advance => {
  if (status === 'cancelled') return 'stale';
  switch (message.kind) {
    case 'ready':
      return status === 'ready' ? 'duplicate' : 'moves';
    case 'failed':
      if (status === 'ready') return 'stale';
      return status === 'failed' ? 'duplicate' : 'moves';
    case 'progress':
      return isEnded(status) && !(isRunning && status === 'failed') ? 'stale' : 'moves';
    default:
      return message satisfies never;
  }
};

/** What a later change sets or removes wins. */
export const merge = (...changes: readonly (Change | undefined)[]): Change => {
  const removed = new Set<string>();
  const all: Record<string, unknown> = {};
  for (const change of changes) {
    for (const name of change?.remove ?? []) removed.add(name);
    for (const name of Object.keys(change?.set ?? {})) {
      all[name] = change?.set[name];
      removed.delete(name);
    }
  }
  const set: Record<string, unknown> = {};
  for (const name of Object.keys(all)) if (!removed.has(name)) set[name] = all[name];
  return { set, remove: [...removed] };
};

/** Takes the job from a story. */
export const NO_JOB: Change = { set: {}, remove: ['audioJobId', 'audioRunpodJobId'] };

/**
 * Whether another app set the story back: it is under way although its own job has ended. The first message that meets
 * such a story takes the job from it.
 */
export const isSetBack = (story: StoryAudio, { current }: Attempts): boolean =>
  isUnderWay(story.status) && isEnded(current?.status);

/** Whether a message gives the address that a ready story lacks. Another file is another narration. */
const completes = (story: StoryAudio, message: ReadyMessage): boolean =>
  story.audioUrl === undefined &&
  message.audioUrl !== undefined &&
  (story.storagePath === undefined ||
    message.storagePath === undefined ||
    message.storagePath === story.storagePath);

/** The number of the change's event. */
export const numbered = (story: StoryAudio, { set, remove }: Change): Change => ({
  set: { ...set, audioEventSequence: story.eventSequence + 1 },
  remove,
});

/** The job that the story has after a message that counts: the job of its audio, or the first that is named. */
const jobChange = (
  story: StoryAudio,
  attempt: AttemptAudio | undefined,
  { jobId, isReady }: { readonly jobId: string | undefined; readonly isReady: boolean },
): Change | undefined => {
  if (jobId === undefined || jobId === story.jobId) return undefined;
  if (story.jobId !== undefined && !isReady) return undefined;
  const runpodJobId = attempt?.runpodJobId;
  return runpodJobId === undefined
    ? { set: { audioJobId: jobId }, remove: ['audioRunpodJobId'] }
    : { set: { audioJobId: jobId, audioRunpodJobId: runpodJobId }, remove: [] };
};

/**
 * Decides what a message changes. Pure: the same documents, message and time give the same decision, so a transaction
 * may repeat it. An attempt with a number is ours, any other is foreign; a story is ours while its current job is.
 *
 * | story | counts |
 * |---|---|
 * | ours | every message of its current job; a ready of any attempt of ours with the story's content |
 * | foreign | every message of a foreign job, or without a job; a ready of an attempt of ours with the story's content |
 *
 * What does not count is recorded on its attempt. A story that is ready stays so; no progress leaves a failure, unless RunPod
 * confirms that it runs the job again.
 *
 * @see docs/api.md#how-a-narration-ends
 *
 * @example
 * const story = readStoryAudio({ audioStatus: 'processing', audioJobId: 'j1' });
 * const message = { kind: 'progress', jobId: 'j1', stage: 'encoding', progress: 0.9 } as const;
 * const context = { source: 'callback', nowMs: Date.now(), leaseMs: 600_000 } as const;
 * decide(story, {}, message, context).kind; // 'applied'
 */
export const decide = (
  seen: StoryAudio,
  attempts: Attempts,
  message: StoryMessage,
  context: TransitionContext,
): Decision => {
  // 1. The story and its current job.
  const wasSetBack = isSetBack(seen, attempts);
  const story = wasSetBack ? { ...seen, jobId: undefined, runpodJobId: undefined } : seen;
  const current = wasSetBack ? undefined : attempts.current;
  const release = wasSetBack ? NO_JOB : undefined;

  // 2. The job that the message is about.
  const isNamed = ({ jobId, runpodJobId }: Pick<StoryAudio, 'jobId' | 'runpodJobId'>): boolean =>
    message.jobId !== undefined && (message.jobId === jobId || message.jobId === runpodJobId);
  const named = isNamed(seen) ? attempts.current : attempts.named;
  const isCurrent =
    message.jobId === undefined || isNamed(story) || (named !== undefined && named.jobId === story.jobId);
  const attempt = isCurrent ? current : named;
  const jobId = isCurrent ? story.jobId : (attempt?.jobId ?? message.jobId);
  const from = isCurrent ? (current?.status ?? story.status) : attempt?.status;

  // 3. Whether it counts for the story.
  const isForeign = current === undefined || current.number === 0;
  const isOfForeignJob = isForeign && (attempt === undefined || attempt.number === 0);
  const hasContent =
    attempt !== undefined &&
    attempt.number > 0 &&
    story.contentHash !== undefined &&
    attempt.contentHash === story.contentHash;
  const isWanted =
    from !== 'cancelled' && story.status !== 'ready' && (isCurrent || isOfForeignJob || hasContent);

  // 4. The change.
  const isReady = message.kind === 'ready';
  if (isReady && isCurrent && story.status === 'ready' && completes(story, message)) {
    const { set } = storyChange(story, attempt, message, context);
    const missing = AUDIO_GROUP.filter(
      (name) => Object.hasOwn(set, name) && !story.audioFields.includes(name),
    );
    const completed = Object.fromEntries(missing.map((name) => [name, set[name]]));
    const address = { set: { audioUrl: message.audioUrl, updatedAt: new Date(context.nowMs) }, remove: [] };
    return {
      kind: 'applied',
      story: numbered(story, { set: completed, remove: [] }),
      attempt: jobId === undefined ? undefined : { jobId, change: address },
      event: 'updated',
      isWanted,
    };
  }
  const step = advance(from, message, context.isRunning);
  if (step !== 'moves') return { kind: step, story: release, isWanted };
  const record = jobId === undefined ? undefined : { jobId, change: attemptChange(from, message, context) };
  const mayMove =
    message.kind !== 'progress' || !isEnded(story.status) || (isCurrent && context.isRunning === true);
  const counts = isWanted && mayMove && (isReady || isCurrent || isOfForeignJob);
  if (!counts) return { kind: 'fenced', story: release, attempt: record, isWanted };

  const job = jobChange(story, attempt, { jobId, isReady });
  const change = merge(release, storyChange(story, attempt, message, context), job);
  if (message.kind !== 'progress') {
    const event = message.kind;
    return { kind: 'applied', story: numbered(story, change), attempt: record, event, isWanted };
  }
  const reached = story.status === 'processing' ? (story.progress ?? 0) : 0;
  const isNothingNew = job === undefined && (message.progress ?? 1) < reached;
  return { kind: 'applied', story: change, attempt: isNothingNew ? undefined : record, isWanted };
};

/**
 * Cancels the attempt that is under way: the story is what it was before, with the audio that was there.
 *
 * @example
 * decideCancel(readStoryAudio({ audioStatus: 'ready' }), {}, { source: 'person', nowMs: 0, leaseMs: 0 }).kind; // 'stale'
 */
export const decideCancel = (
  story: StoryAudio,
  attempts: Attempts,
  { source, nowMs }: TransitionContext,
): Decision => {
  const { current } = attempts;
  if (!isUnderWay(story.status) || current === undefined || isEnded(current.status)) return { kind: 'stale' };
  const at = new Date(nowMs);
  const now = [...NO_JOB.remove, 'audioStatus', ...ERROR_GROUP, ...RUNNING_GROUP, 'audioRetryAt'];
  const transitions = { cancelled: { source, at } };
  return {
    kind: 'applied',
    // An older or foreign attempt does not say what was there before.
    story: numbered(
      story,
      merge({ set: {}, remove: now }, { set: { ...story.lastEnd, ...current.before }, remove: [] }),
    ),
    attempt: {
      jobId: current.jobId,
      change: { set: { status: 'cancelled', updatedAt: at, endedAt: at, transitions }, remove: [] },
    },
    event: 'cancelled',
  };
};
