import { type Attempts, type Decision, isSetBack, merge, NO_JOB, numbered } from './decide.ts';
import { isUnderWay, type StoryAudio, type TransitionContext } from './story-audio.ts';

/**
 * Whether a story's job counts as dead: it is under way, and its lease ran out or is missing.
 *
 * @example
 * isOverdue(readStoryAudio({ audioStatus: 'pending' }), Date.now()); // true
 */
export const isOverdue = ({ status, leaseExpiresAtMs }: StoryAudio, nowMs: number): boolean =>
  isUnderWay(status) && (leaseExpiresAtMs === undefined || leaseExpiresAtMs <= nowMs);

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
  return { kind: 'applied', story: { set: { audioLeaseExpiresAt }, remove: [] } };
};

/**
 * Gives a lease to a story that is under way without one, so that its silence has an end. If another app set it back, it
 * loses its job.
 *
 * @example
 * const context = { source: 'sweeper', nowMs: Date.now(), leaseMs: 900_000 } as const;
 * decideLease(readStoryAudio({ audioStatus: 'pending' }), {}, context).kind; // 'applied'
 */
export const decideLease = (
  story: StoryAudio,
  attempts: Attempts,
  { nowMs, leaseMs }: TransitionContext,
): Decision => {
  if (!isUnderWay(story.status)) return { kind: 'stale' };
  const lease = { set: { audioLeaseExpiresAt: new Date(nowMs + leaseMs) }, remove: [] };
  return { kind: 'applied', story: merge(lease, isSetBack(story, attempts) ? NO_JOB : undefined) };
};

/**
 * Removes the time of the next retry from a story that cannot be retried automatically.
 *
 * @example
 * decideNoRetry(readStoryAudio({ audioStatus: 'failed' })).kind; // 'stale'
 */
export const decideNoRetry = (story: StoryAudio): Decision =>
  story.retryAtMs === undefined
    ? { kind: 'stale' }
    : {
        kind: 'applied',
        story: numbered(story, { set: {}, remove: ['audioRetryAt'] }),
        event: story.status === 'failed' ? 'gave-up' : undefined,
      };
