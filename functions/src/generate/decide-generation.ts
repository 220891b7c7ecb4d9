import {
  type Change,
  checkStory,
  decideRequest,
  keptExtras,
  readStoryAudio,
  ttsJobEvent,
} from '@taleback/core';
import type { Opening } from '../request/open-attempt.ts';
import type { RequestOptions } from '../request/request-audio.ts';
import type { KnownAttempt, StoryText } from '../stories/story-store.ts';
import type { GenerateRequest } from './parse-generate.ts';

/** Title of a story that came without one; a person's story always has one. */
const UNTITLED = 'Untitled';

export interface Generation {
  readonly asked: GenerateRequest;
  readonly jobId: string;
  /** Undefined when the story does not exist yet. */
  readonly story: StoryText | undefined;
  /** The attempt that was opened under this job id before. */
  readonly known: KnownAttempt | undefined;
}

type GenerationRules = Pick<RequestOptions, 'limits' | 'callbackUrl' | 'pendingLeaseMs' | 'now'>;

/** What is narrated: the request's own words, else the story's. */
const narrated = (asked: GenerateRequest, story: StoryText | undefined) => ({
  text: asked.text ?? story?.text ?? '',
  language: asked.language ?? story?.language ?? 'en',
  title: asked.title ?? story?.title,
  storyType: asked.storyType ?? story?.storyType ?? 'user',
  voiceId: asked.voiceId,
  voiceName: asked.voiceName ?? (asked.voiceId === story?.voiceId ? story.voiceName : undefined),
});

type Narrated = ReturnType<typeof narrated>;

/** The fields of a story that does not exist yet. */
const newStoryOf = (userId: string, { voiceName, title, ...words }: Narrated): Record<string, unknown> => ({
  userId,
  title: title ?? UNTITLED,
  ...words,
  ...(voiceName === undefined ? {} : { voiceName }),
});

/** Whether the job has more than the story holds: an automatic retry, made from the story, would differ. */
const isMoreThanStory = (
  { text, callbackUrl, extras }: GenerateRequest,
  story: StoryText | undefined,
): boolean =>
  callbackUrl !== undefined ||
  extras.profile_base64 !== undefined ||
  (story !== undefined && text !== undefined && text !== story.text);

/** The opening's change of the story, with the voice's name and what a retry needs. */
const changeOf = ({ set, remove }: Change, { asked, story }: Generation): Change => {
  const { voiceName, voiceId } = asked;
  const extras = keptExtras(asked.extras);
  const own = {
    ...(voiceName === undefined ? {} : { voiceName }),
    ...(isMoreThanStory(asked, story) ? { audioAutoRetry: false } : {}),
    ...(extras === undefined ? {} : { audioJobExtras: extras }),
  };
  // Another voice without a name must not keep the old name.
  const stale = voiceId === story?.voiceId ? ['audioJobExtras'] : ['voiceName', 'audioJobExtras'];
  return {
    set: { ...set, ...own },
    remove: [...remove, ...stale].filter((name) => !Object.hasOwn(own, name)),
  };
};

/**
 * Decides what another server's request opens. A story under way keeps its job; a job id that was used before stands
 * for that job, however it ended, unless the queue refused it. The words of an existing story stay the person's.
 */
export const decideGeneration = (generation: Generation, rules: GenerationRules): Opening => {
  const { asked, jobId, story, known } = generation;
  const { userId, storyId, voiceId } = asked;
  if (story !== undefined && story.userId !== userId) return { decision: { kind: 'no-such-story' } };
  if (story !== undefined && known !== undefined && !known.neverQueued)
    return { decision: { kind: 'under-way', jobId, attempt: known.number } };

  const decision = decideRequest(story?.audio ?? readStoryAudio({}), {
    kind: 'request',
    newJobId: jobId,
    requestedBy: userId,
    nowMs: rules.now(),
    leaseMs: rules.pendingLeaseMs,
    voiceId,
    language: asked.language,
  });
  if (decision.kind !== 'opened') return { decision };

  const words = narrated(asked, story);
  const check = checkStory(words, rules.limits);
  if (!check.ok) {
    const { code, field, sentence } = check;
    return { decision: { kind: 'unfit', code, field, sentence } };
  }
  const job = ttsJobEvent({
    ...words,
    jobId,
    attempt: decision.attempt,
    storyId,
    userId,
    callbackUrl: asked.callbackUrl ?? rules.callbackUrl,
    extras: asked.extras,
  });
  const newStory = story === undefined ? { newStory: newStoryOf(userId, words) } : {};
  return { decision: { ...decision, ...newStory, story: changeOf(decision.story, generation) }, job };
};
