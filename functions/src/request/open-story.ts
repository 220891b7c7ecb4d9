import {
  decideRequest,
  extrasForJob,
  extrasOfOtherVoice,
  type JobPriority,
  type KeptExtras,
  present,
  type StoryLimits,
  ttsJobEvent,
} from '@taleback/core';
import { isListed, type ListedVoices } from '../stories/admit-voice.ts';
import type { Denial, OpeningDecision, StoryText } from '../stories/opening.ts';
import { isOwnPlace } from '../stories/ownership.ts';
import { findUnfit } from './open-attempt.ts';

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
  readonly voiceId?: string | undefined;
  readonly language?: string | undefined;
  /** That the server gives this person. Default: the one that the story kept. */
  readonly priority?: JobPriority | undefined;
}

/** What every request is judged by. */
export interface StoryRules extends ListedVoices {
  readonly limits: StoryLimits;
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
  const path = extras?.recording_path ?? extras?.profile_path;
  if (path === undefined) return extras?.has_recording === true ? GONE : undefined;
  return isOwnPlace(path, [ownerId]) ? undefined : NOT_YOURS;
};

/** What the job has beside the story's own words: what the story kept, as far as it holds for this request. */
const extrasFor = (
  story: StoryText,
  isOtherVoice: boolean,
  { userId, priority }: { readonly userId: string; readonly priority: JobPriority | undefined },
): KeptExtras | undefined => {
  const kept = isOtherVoice ? extrasOfOtherVoice(story.extras ?? {}) : story.extras;
  const { storage_path: path, ...others } = kept ?? {};
  const isForeign = path !== undefined && !isOwnPlace(path, [userId]);
  if (!isForeign && (priority === undefined || priority === kept?.priority)) return kept;
  return { ...(isForeign ? others : kept), ...present({ priority }) };
};

/** Decides whether a story is narrated as requested, and makes the job for the handler. */
export const decideStoryOpening = (
  story: StoryText,
  { storyId, userId, jobId, voiceId, language, priority, ...request }: StoryRequest,
  rules: StoryRules,
): OpeningDecision => {
  const { limits, callbackUrl, pendingLeaseMs: leaseMs, now } = rules;
  const asked = { ...request, newJobId: jobId, nowMs: now(), leaseMs, voiceId, language };
  const decision = decideRequest(story.audio, asked);
  if (decision.kind !== 'opened') return decision;
  const { title, text = '', storyType = 'user' } = story;
  const spoken = language ?? story.language ?? 'en';
  const isOtherVoice = voiceId !== undefined && voiceId !== story.voiceId;
  const extras = extrasFor(story, isOtherVoice, { userId, priority });
  const denial = findUnfit({ text, language: spoken }, limits) ?? findLostRecording(extras, userId);
  if (denial !== undefined) return denial;
  const spokenBy = voiceId ?? story.voiceId ?? rules.defaultVoice;
  const voice = {
    chosenBy: isOtherVoice ? 'person' : 'as-before',
    isListed: isListed(spokenBy, rules),
  } as const;
  const job = ttsJobEvent({
    jobId,
    attempt: decision.attempt,
    storyId,
    userId,
    text,
    voiceId: spokenBy,
    voiceName: isOtherVoice ? undefined : story.voiceName,
    title,
    language: spoken,
    storyType,
    callbackUrl,
    extras: extrasForJob(extras ?? {}),
  });
  if (!isOtherVoice && extras === story.extras) return { ...decision, job, voice };
  const { set, remove } = decision.story;
  // The old voice's name would stay for good: the worker reports no name for a voice that came without one.
  const stale = isOtherVoice ? [...remove, 'voiceName'] : remove;
  const change =
    extras === undefined
      ? { set, remove: [...stale, 'audioJobExtras'] }
      : { set: { ...set, audioJobExtras: extras }, remove: stale };
  return { ...decision, story: change, job, voice };
};
