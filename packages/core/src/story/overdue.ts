import type { Decision } from './decide.ts';
import type { StoryAudio, TransitionContext } from './story-audio.ts';

/** Whether a story's job counts as dead: it is under way, and its lease ran out or nobody gave it one. */
export const isOverdue = ({ status, leaseExpiresAtMs }: StoryAudio, nowMs: number): boolean =>
  (status === 'pending' || status === 'processing') &&
  (leaseExpiresAtMs === undefined || leaseExpiresAtMs <= nowMs);

/**
 * Whether nothing has happened to a story's job since it was seen: what was concluded from its silence holds only
 * as long as it is silent.
 */
export const isAsSeen = (story: StoryAudio, seen: StoryAudio): boolean =>
  story.status === seen.status &&
  story.jobId === seen.jobId &&
  story.runpodJobId === seen.runpodJobId &&
  story.leaseExpiresAtMs === seen.leaseExpiresAtMs;

/** Renews the lease of an overdue job that is known to be alive although it is silent. */
export const decideRenewal = (story: StoryAudio, { nowMs, leaseMs }: TransitionContext): Decision => {
  if (!isOverdue(story, nowMs)) return { kind: 'stale' };
  const audioLeaseExpiresAt = new Date(nowMs + leaseMs);
  return { kind: 'applied', story: { set: { audioLeaseExpiresAt }, remove: [] }, attempt: undefined };
};

/** Takes back the time of the next try of a story that cannot be tried again by itself. */
export const decideNoRetry = ({ retryAtMs }: StoryAudio): Decision =>
  retryAtMs === undefined
    ? { kind: 'stale' }
    : { kind: 'applied', story: { set: {}, remove: ['audioRetryAt'] }, attempt: undefined };
