import { checkStory, decideRequest, keptExtras, readStoryAudio, ttsJobEvent } from '@taleback/core';
import type { KnownAttempt, Opening, RequestOptions, StoryText } from '../request/index.ts';
import type { GenerateRequest } from './parse-generate.ts';

/** Title of a story that came without one; a story of a person always has one. */
const UNTITLED = 'Untitled';

export type GenerationRules = Pick<RequestOptions, 'limits' | 'callbackUrl' | 'pendingLeaseMs' | 'now'>;

/** The words of a story that is not there yet. */
const newStoryOf = (asked: GenerateRequest, text: string, language: string): Record<string, unknown> => ({
  userId: asked.userId,
  title: asked.title ?? UNTITLED,
  text,
  language,
  voiceId: asked.voiceId,
  storyType: asked.storyType ?? 'user',
  ...(asked.voiceName === undefined ? {} : { voiceName: asked.voiceName }),
});

/** The voice's name goes with the voice: another voice without a name takes the old name away. */
const nameVoice = (asked: GenerateRequest, story: StoryText | undefined) => {
  const { voiceName, voiceId } = asked;
  if (voiceName !== undefined) return { set: { voiceName }, remove: [] };
  return { set: {}, remove: voiceId === story?.voiceId ? [] : ['voiceName'] };
};

/** Whether the job is made of more than the story holds: made again from the story, it would be another. */
const isOfItsOwn = ({ text, callbackUrl, extras }: GenerateRequest, story: StoryText | undefined): boolean =>
  callbackUrl !== undefined ||
  extras.profile_base64 !== undefined ||
  (story !== undefined && text !== undefined && text !== story.text);

/**
 * Decides what another server's request opens. A story under way is left with its job; a job that was named before is
 * that job, however it ended, unless the queue refused it. The words of a story that is there stay the person's.
 */
export const decideGeneration = (
  asked: GenerateRequest,
  jobId: string,
  story: StoryText | undefined,
  known: KnownAttempt | undefined,
  rules: GenerationRules,
): Opening => {
  if (story !== undefined && story.userId !== asked.userId) return { decision: { kind: 'no-such-story' } };
  if (story !== undefined && known !== undefined && !known.neverQueued)
    return { decision: { kind: 'under-way', jobId, attempt: known.number } };
  const text = asked.text ?? story?.text ?? '';
  const language = asked.language ?? story?.language ?? 'en';
  const decision = decideRequest(story?.audio ?? readStoryAudio({}), {
    kind: 'request',
    newJobId: jobId,
    requestedBy: asked.userId,
    nowMs: rules.now(),
    leaseMs: rules.pendingLeaseMs,
    voiceId: asked.voiceId,
    language: asked.language,
  });
  if (decision.kind !== 'opened') return { decision };
  const check = checkStory({ text, language }, rules.limits);
  if (!check.ok) {
    const { code, field, sentence } = check;
    return { decision: { kind: 'unfit', code, field, sentence } };
  }
  const named = nameVoice(asked, story);
  const extras = keptExtras(asked.extras);
  const own = {
    ...(isOfItsOwn(asked, story) ? { audioAutoRetry: false } : {}),
    ...(extras === undefined ? {} : { audioJobExtras: extras }),
  };
  const change = {
    set: { ...decision.story.set, ...named.set, ...own },
    remove: [...decision.story.remove, ...named.remove, 'audioJobExtras'].filter(
      (name) => !Object.hasOwn(own, name),
    ),
  };
  const job = ttsJobEvent({
    jobId,
    attempt: decision.attempt,
    storyId: asked.storyId,
    userId: asked.userId,
    text,
    voiceId: asked.voiceId,
    voiceName: asked.voiceName ?? (asked.voiceId === story?.voiceId ? story.voiceName : undefined),
    title: asked.title ?? story?.title,
    language,
    storyType: asked.storyType ?? story?.storyType ?? 'user',
    callbackUrl: asked.callbackUrl ?? rules.callbackUrl,
    extras: asked.extras,
  });
  const newStory = story === undefined ? { newStory: newStoryOf(asked, text, language) } : {};
  return { decision: { ...decision, ...newStory, story: change }, job };
};
