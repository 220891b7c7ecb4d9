import { present } from '../json.ts';
import { isRetryDue } from './changes.ts';
import { AUTO_RETRY_GROUP, type Change, ERROR_GROUP, isUnderWay, type StoryAudio } from './story-audio.ts';

/** A request for a narration, or for another try. */
export interface AudioRequest {
  readonly kind: 'request' | 'retry';
  /** The sweeper only retries, and only when the story's time for that has come. Default: a person. */
  readonly source?: 'person' | 'sweeper' | undefined;
  /** Id of the job that is opened when the request is granted. */
  readonly newJobId: string;
  readonly requestedBy: string;
  readonly nowMs: number;
  /** How long the job may wait until a worker takes it. */
  readonly leaseMs: number;
  readonly voiceId: string | undefined;
  readonly language: string | undefined;
}

/**
 * - `opened`: a new attempt; the story is pending
 * - `under-way`: a live job exists, so pressing the button twice is pressing it once
 * - `already-ready`: a retry of a story that is ready
 * - `not-due`: the sweeper came too early, or a person was there before it
 */
export type RequestDecision =
  | {
      readonly kind: 'opened';
      readonly attempt: number;
      /** How often a narration that was ready was asked for again, this time included. */
      readonly take: number;
      readonly story: Change;
      readonly attemptFields: Record<string, unknown>;
    }
  | {
      readonly kind: 'under-way' | 'already-ready' | 'not-due';
      readonly jobId: string | undefined;
      readonly attempt: number;
    };

const isLeased = (story: StoryAudio, nowMs: number): boolean =>
  isUnderWay(story.status) && story.leaseExpiresAtMs !== undefined && story.leaseExpiresAtMs > nowMs;

/** The count of automatic retries: the sweeper adds one, a person resets it. */
const countRetry = (story: StoryAudio, request: AudioRequest): Change =>
  request.source === 'sweeper'
    ? { set: { audioAutoRetries: story.autoRetries + 1 }, remove: ['audioRetryAt'] }
    : { set: {}, remove: AUTO_RETRY_GROUP };

/**
 * Decides whether a request opens a new attempt. Pure, as `decide` is.
 *
 * @example
 * const times = { nowMs: Date.now(), leaseMs: 600_000 };
 * const request = { kind: 'request', newJobId: 'j1', requestedBy: 'ada', voiceId: 'v1', language: 'en' } as const;
 * decideRequest(readStoryAudio({}), { ...request, ...times }).kind; // 'opened'
 */
export const decideRequest = (story: StoryAudio, request: AudioRequest): RequestDecision => {
  const { jobId, attempt: current } = story;
  if (isLeased(story, request.nowMs)) return { kind: 'under-way', jobId, attempt: current };
  if (request.kind === 'retry' && story.status === 'ready')
    return { kind: 'already-ready', jobId, attempt: current };
  if (request.source === 'sweeper' && !isRetryDue(story, request.nowMs))
    return { kind: 'not-due', jobId, attempt: current };
  const attempt = current + 1;
  const at = new Date(request.nowMs);
  const leaseExpiresAt = new Date(request.nowMs + request.leaseMs);
  const counted = countRetry(story, request);
  const take = story.take + Number(story.status === 'ready');
  return {
    kind: 'opened',
    attempt,
    take,
    story: {
      set: present({
        audioStatus: 'pending',
        audioJobId: request.newJobId,
        audioAttempt: attempt,
        audioLeaseExpiresAt: leaseExpiresAt,
        audioTake: take || undefined,
        voiceId: request.voiceId,
        language: request.language,
        ...counted.set,
      }),
      remove: [...ERROR_GROUP, 'audioProgress', 'audioRunpodJobId', ...counted.remove],
    },
    attemptFields: present({
      jobId: request.newJobId,
      number: attempt,
      status: 'pending',
      requestedBy: request.requestedBy,
      requestedAt: at,
      updatedAt: at,
      voiceId: request.voiceId,
      language: request.language,
      before: story.lastEnd,
      transitions: { pending: { source: request.source ?? 'person', at } },
    }),
  };
};
