import { type OpenAnswer, type OpenOptions, openAttempt } from './open-attempt.ts';
import { decideStoryOpening, type StoryRules } from './open-story.ts';
import { parseAudioRequest } from './parse-request.ts';

/** How a request ends. */
export type RequestAnswer =
  | OpenAnswer
  /** The request itself is malformed. */
  | { readonly kind: 'invalid'; readonly sentence: string };

export interface RequestOptions extends OpenOptions, StoryRules {
  /** An id that nobody else makes. */
  readonly newId: () => string;
}

/** Opens an attempt for a person's own story and queues its job. */
export const requestAudio = async (
  kind: 'request' | 'retry',
  userId: string,
  data: unknown,
  options: RequestOptions,
): Promise<RequestAnswer> => {
  const parsed = parseAudioRequest(data);
  if (!parsed.ok) return { kind: 'invalid', sentence: parsed.sentence };
  const { storyId } = parsed.value;
  const wish = { ...parsed.value, kind, requestedBy: userId, userId, jobId: options.newId() };
  return openAttempt(
    storyId,
    wish.jobId,
    (story) =>
      story === undefined || story.userId !== userId
        ? { decision: { kind: 'no-such-story' } }
        : decideStoryOpening(story, wish, options),
    options,
  );
};

/** Opens the next attempt of a failed story whose time to be tried again by itself has come. */
export const retryByItself = async (storyId: string, options: RequestOptions): Promise<OpenAnswer> => {
  const jobId = options.newId();
  const by = { kind: 'retry', source: 'sweeper', requestedBy: 'sweeper' } as const;
  const same = { storyId, jobId, voiceId: undefined, language: undefined };
  return openAttempt(
    storyId,
    jobId,
    (story) =>
      story?.userId === undefined
        ? { decision: { kind: 'no-such-story' } }
        : decideStoryOpening(story, { ...by, ...same, userId: story.userId }, options),
    options,
  );
};
