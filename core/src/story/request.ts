import { ERROR_GROUP, type Change, type StoryAudio } from './story-audio.ts';
import { present } from './story-change.ts';

/** A person asks for a narration, or asks again. */
export interface AudioRequest {
  readonly kind: 'request' | 'retry';
  /** Id of the job that is opened when the request is granted. */
  readonly newJobId: string;
  readonly requestedBy: string;
  readonly nowMs: number;
  /** How long the job may wait before anyone takes it up. */
  readonly leaseMs: number;
  readonly voiceId: string | undefined;
  readonly language: string | undefined;
}

/**
 * - `opened`: a new attempt; the story is pending
 * - `under-way`: a live job exists, so pressing the button twice is pressing it once
 * - `already-ready`: a retry came after all was well
 */
export type RequestDecision =
  | {
      readonly kind: 'opened';
      readonly attempt: number;
      readonly story: Change;
      readonly attemptFields: Record<string, unknown>;
    }
  | { readonly kind: 'under-way'; readonly jobId: string | undefined; readonly attempt: number }
  | { readonly kind: 'already-ready'; readonly jobId: string | undefined; readonly attempt: number };

const isUnderWay = (story: StoryAudio, nowMs: number): boolean =>
  (story.status === 'pending' || story.status === 'processing') &&
  story.leaseExpiresAtMs !== undefined &&
  story.leaseExpiresAtMs > nowMs;

/** Decides whether a request opens a new attempt. Pure, as `decide` is. */
export const decideRequest = (story: StoryAudio, request: AudioRequest): RequestDecision => {
  if (isUnderWay(story, request.nowMs))
    return { kind: 'under-way', jobId: story.jobId, attempt: story.attempt };
  if (request.kind === 'retry' && story.status === 'ready') {
    return { kind: 'already-ready', jobId: story.jobId, attempt: story.attempt };
  }
  const attempt = story.attempt + 1;
  const at = new Date(request.nowMs);
  const leaseExpiresAt = new Date(request.nowMs + request.leaseMs);
  return {
    kind: 'opened',
    attempt,
    story: {
      set: present({
        audioStatus: 'pending',
        audioJobId: request.newJobId,
        audioAttempt: attempt,
        audioLeaseExpiresAt: leaseExpiresAt,
        voiceId: request.voiceId,
        language: request.language,
      }),
      remove: [...ERROR_GROUP, 'audioProgress', 'audioRunpodJobId'],
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
      transitions: { pending: { source: 'person', at } },
    }),
  };
};
