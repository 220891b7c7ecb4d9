import {
  checkStory,
  decideRequest,
  extrasForJob,
  extrasOfOtherVoice,
  type StoryLimits,
  ttsJobEvent,
} from '@taleback/core';
import { findLostRecording } from './lost-recording.ts';
import type { Opening } from './open-attempt.ts';
import type { StoryText } from './ports.ts';

/** Who wants a story narrated, and how. */
export interface StoryWish {
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

export interface StoryRules {
  readonly limits: StoryLimits;
  readonly defaultVoice: string;
  readonly callbackUrl: string;
  readonly pendingLeaseMs: number;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** Decides whether a story is narrated as wished, and puts the job into the handler's words. */
export const decideStoryOpening = (story: StoryText, wish: StoryWish, rules: StoryRules): Opening => {
  const { kind, source, requestedBy, storyId, userId, jobId, voiceId, language } = wish;
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
  // The old voice's name would stay for good: the worker tells no name for a voice that it was given none of.
  const { set, remove } = decision.story;
  const change = isOtherVoice
    ? {
        set: { ...set, ...(extras === undefined ? {} : { audioJobExtras: extras }) },
        remove: [...remove, 'voiceName', ...(extras === undefined ? ['audioJobExtras'] : [])],
      }
    : decision.story;
  return { decision: { ...decision, story: change }, job };
};
