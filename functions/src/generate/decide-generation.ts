import { type Change, decideRequest, keptExtras, present, readStoryAudio, ttsJobEvent } from '@taleback/core';
import { findUnfit } from '../request/open-attempt.ts';
import type { RequestOptions } from '../request/request-audio.ts';
import { isListed } from '../stories/admit-voice.ts';
import type { KnownAttempt, OpeningDecision, StoryText } from '../stories/opening.ts';
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

type GenerationRules = Pick<
  RequestOptions,
  'limits' | 'callbackUrl' | 'pendingLeaseMs' | 'now' | 'defaultVoice' | 'sharedVoices'
>;

/** What is narrated: the request's own words, else the story's. */
const narrated = (asked: GenerateRequest, story: StoryText | undefined) => ({
  text: asked.text ?? story?.text ?? '',
  language: asked.language ?? story?.language ?? 'en',
  title: asked.title ?? story?.title,
  storyType: asked.storyType ?? story?.storyType ?? 'user',
  voiceId: asked.voiceId,
  voiceName: asked.voiceName ?? (asked.voiceId === story?.voiceId ? story.voiceName : undefined),
});

/** Whether the job has more than the story holds: an automatic retry, made from the story, would differ. */
const isMoreThanStory = (
  { text, callbackUrl, extras }: GenerateRequest,
  story: StoryText | undefined,
): boolean =>
  callbackUrl !== undefined ||
  extras.recording_path !== undefined ||
  (story !== undefined && text !== undefined && text !== story.text);

/** The opening's change of the story, with the voice's name and what a retry needs. */
const changeOf = ({ set, remove }: Change, { asked, story }: Generation): Change => {
  const { voiceName, voiceId } = asked;
  const audioAutoRetry = isMoreThanStory(asked, story) ? false : undefined;
  const own = present({ voiceName, audioAutoRetry, audioJobExtras: keptExtras(asked.extras) });
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
export const decideGeneration = (generation: Generation, rules: GenerationRules): OpeningDecision => {
  const { asked, jobId, story, known } = generation;
  const { userId, storyId, voiceId, language, extras } = asked;
  if (story !== undefined && story.userId !== userId) return { kind: 'no-such-story' };
  if (story !== undefined && known !== undefined && !known.neverQueued)
    return { kind: 'under-way', jobId, attempt: known.number };

  const decision = decideRequest(story?.audio ?? readStoryAudio({}), {
    kind: 'request',
    newJobId: jobId,
    requestedBy: userId,
    nowMs: rules.now(),
    leaseMs: rules.pendingLeaseMs,
    voiceId,
    language,
  });
  if (decision.kind !== 'opened') return decision;

  const words = narrated(asked, story);
  const unfit = findUnfit(words, rules.limits);
  if (unfit !== undefined) return unfit;
  const { attempt } = decision;
  const callbackUrl = asked.callbackUrl ?? rules.callbackUrl;
  const opening = {
    ...decision,
    story: changeOf(decision.story, generation),
    job: ttsJobEvent({ ...words, jobId, attempt, storyId, userId, callbackUrl, extras }),
    voice: { chosenBy: 'server', isListed: isListed(voiceId, rules) } as const,
  };
  if (story !== undefined) return opening;
  return { ...opening, newStory: present({ userId, ...words, title: words.title ?? UNTITLED }) };
};
