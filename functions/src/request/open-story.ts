import {
  checkStory,
  decideRequest,
  extrasForJob,
  extrasOfOtherVoice,
  type KeptExtras,
  type StoryLimits,
  ttsJobEvent,
} from '@taleback/core';
import { isOwnPlace } from '../stories/ownership.ts';
import type { Denial, StoryText } from '../stories/story-store.ts';
import type { Opening } from './open-attempt.ts';

/** Who requests a narration, and how. */
export interface StoryRequest {
  readonly kind: 'request' | 'retry';
  /** Default: a person. */
  readonly source?: 'person' | 'sweeper';
  readonly requestedBy: string;
  readonly storyId: string;
  /** Whose story it is. */
  readonly userId: string;
  readonly jobId: string;
  readonly voiceId: string | undefined;
  readonly language: string | undefined;
}

/** What every request is judged by. */
export interface StoryRules {
  readonly limits: StoryLimits;
  readonly defaultVoice: string;
  readonly callbackUrl: string;
  readonly pendingLeaseMs: number;
  /** Unix milliseconds. */
  readonly now: () => number;
}

const GONE = {
  kind: 'unfit',
  code: 'voice_profile_missing',
  field: 'voiceId',
  sentence: 'voiceId: the recording of this voice is not kept with the story; choose another voice',
} as const satisfies Denial;

const NOT_YOURS = {
  ...GONE,
  sentence: 'voiceId: the recording of this voice is not of the owner of the story; choose another voice',
} as const satisfies Denial;

/**
 * Why a story cannot be narrated again in its voice: the recording came with the job and was not kept, or lies in the
 * private folder of another user than the present owner. Undefined when it can.
 */
export const findLostRecording = (extras: KeptExtras | undefined, ownerId: string): Denial | undefined => {
  const path = extras?.profile_path;
  if (path === undefined) return extras?.has_recording === true ? GONE : undefined;
  return isOwnPlace(path, [ownerId]) ? undefined : NOT_YOURS;
};

/** Decides whether a story is narrated as requested, and makes the job for the handler. */
export const decideStoryOpening = (story: StoryText, request: StoryRequest, rules: StoryRules): Opening => {
  const { kind, source, requestedBy, storyId, userId, jobId, voiceId, language } = request;
  const text = story.text ?? '';
  const spoken = language ?? story.language ?? 'en';
  const decision = decideRequest(story.audio, {
    kind,
    source,
    newJobId: jobId,
    requestedBy,
    nowMs: rules.now(),
    leaseMs: rules.pendingLeaseMs,
    voiceId,
    language,
  });
  if (decision.kind !== 'opened') return { decision };
  const check = checkStory({ text, language: spoken }, rules.limits);
  if (!check.ok) {
    const { code, field, sentence } = check;
    return { decision: { kind: 'unfit', code, field, sentence } };
  }
  const isOtherVoice = voiceId !== undefined && voiceId !== story.voiceId;
  const extras = isOtherVoice ? extrasOfOtherVoice(story.extras ?? {}) : story.extras;
  const lost = findLostRecording(extras, userId);
  if (lost !== undefined) return { decision: lost };
  const job = ttsJobEvent({
    jobId,
    attempt: decision.attempt,
    storyId,
    userId,
    text,
    voiceId: voiceId ?? story.voiceId ?? rules.defaultVoice,
    voiceName: isOtherVoice ? undefined : story.voiceName,
    title: story.title,
    language: spoken,
    storyType: story.storyType ?? 'user',
    callbackUrl: rules.callbackUrl,
    extras: extrasForJob(extras ?? {}),
  });
  // The old voice's name would stay for good: the worker reports no name for a voice that came without one.
  const { set, remove } = decision.story;
  const change = isOtherVoice
    ? {
        set: { ...set, ...(extras === undefined ? {} : { audioJobExtras: extras }) },
        remove: [...remove, 'voiceName', ...(extras === undefined ? ['audioJobExtras'] : [])],
      }
    : decision.story;
  return { decision: { ...decision, story: change }, job };
};
