import { documentId, isWellFormed, type JobPriority, type Parsed } from '@taleback/core';
import { z } from 'zod';
import type { Recordings } from '../stories/recordings.ts';
import { type OpenAnswer, type OpenOptions, openAttempt } from './open-attempt.ts';
import { usageIdOf } from '../stories/opening.ts';
import { decideStoryOpening, type StoryRules } from './open-story.ts';

const MAX_VOICE_CHARACTERS = 200;
const MAX_LANGUAGE_CHARACTERS = 35; // the longest well-formed language tag, RFC 5646 section 4.4.1

const optionalShort = (max: number) =>
  z
    .string('must be a string')
    .max(max, `must be at most ${max} characters`)
    .refine(isWellFormed, 'must be valid Unicode text')
    .nullish()
    .transform((text) => text || undefined);

const schema = z.object(
  {
    storyId: documentId,
    voiceId: optionalShort(MAX_VOICE_CHARACTERS),
    language: optionalShort(MAX_LANGUAGE_CHARACTERS),
  },
  'must be an object',
);

export type AudioRequestData = z.output<typeof schema>;

/** Parses what the page sends with `requestStoryAudio` and `retryStoryAudio`. */
export const parseAudioRequest = (data: unknown): Parsed<AudioRequestData> => {
  const result = schema.safeParse(data);
  if (result.success) return { ok: true, value: result.data };
  const issue = result.error.issues[0];
  const field = issue?.path.map(String).join('.') || 'data';
  return { ok: false, field, sentence: `${field}: ${issue?.message ?? 'is invalid'}` };
};

/** How a request ends. */
export type RequestAnswer =
  | OpenAnswer
  /** The request itself is malformed. */
  | { readonly kind: 'invalid'; readonly sentence: string };

export interface RequestOptions extends OpenOptions, StoryRules {
  /** Makes a unique id. */
  readonly newId: () => string;
  /** Default: none; jobs that come with a recording are refused. */
  readonly recordings?: Pick<Recordings, 'keep'> | undefined;
}

/**
 * Opens an attempt for a person's own story and queues its job.
 *
 * @param options with the priority that the server gives this person; a person's own data cannot set it
 */
export const requestAudio = async (
  kind: 'request' | 'retry',
  userId: string,
  data: unknown,
  options: RequestOptions & { readonly priority?: JobPriority | undefined },
): Promise<RequestAnswer> => {
  const parsed = parseAudioRequest(data);
  if (!parsed.ok) return { kind: 'invalid', sentence: parsed.sentence };
  const { storyId } = parsed.value;
  const jobId = options.newId();
  const { priority } = options;
  const request = { ...parsed.value, kind, requestedBy: userId, userId, jobId, priority };
  return openAttempt(
    { storyId, jobId, counted: { userId, usageId: usageIdOf(userId, 'person') } },
    (story) =>
      story?.userId === userId ? decideStoryOpening(story, request, options) : { kind: 'no-such-story' },
    options,
  );
};

/** Opens the next attempt of a failed story whose automatic retry is due. */
export const retryAutomatically = async (storyId: string, options: RequestOptions): Promise<OpenAnswer> => {
  const jobId = options.newId();
  const request = { kind: 'retry', source: 'sweeper', requestedBy: 'sweeper', storyId, jobId } as const;
  return openAttempt(
    { storyId, jobId },
    (story) =>
      story?.userId === undefined
        ? { kind: 'no-such-story' }
        : decideStoryOpening(story, { ...request, userId: story.userId }, options),
    options,
  );
};
