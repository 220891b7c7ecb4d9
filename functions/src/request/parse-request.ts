import { documentIdFault, type Parsed } from '@taleback/core';
import { z } from 'zod';

export interface AudioRequestData {
  readonly storyId: string;
  readonly voiceId: string | undefined;
  readonly language: string | undefined;
}

const MAX_VOICE_CHARACTERS = 200;
const MAX_LANGUAGE_CHARACTERS = 35; // the longest well-formed language tag, RFC 5646 section 4.4.1

const optionalShort = (max: number): z.ZodType<string | undefined> =>
  z
    .string('must be a string')
    .max(max, `must be at most ${max} characters`)
    .nullish()
    .transform((text) => text || undefined);

const schema = z.object(
  {
    storyId: z.string('must be a string').superRefine((id, context) => {
      const fault = documentIdFault(id);
      if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
    }),
    voiceId: optionalShort(MAX_VOICE_CHARACTERS),
    language: optionalShort(MAX_LANGUAGE_CHARACTERS),
  },
  'must be an object',
);

/** Parses what the page sends with `requestStoryAudio` and `retryStoryAudio`. */
export const parseAudioRequest = (data: unknown): Parsed<AudioRequestData> => {
  const result = schema.safeParse(data);
  if (result.success) return { ok: true, value: result.data };
  const issue = result.error.issues[0];
  const field = issue?.path.map(String).join('.') || 'data';
  return { ok: false, field, sentence: `${field}: ${issue?.message ?? 'is invalid'}` };
};
