import { z } from 'zod';
import { documentId, type Parsed, parseWith } from '../callback/parse.ts';
import type { TtsJobEvent } from './tts-job.ts';

const text = z.string('must be a string');

const schema: z.ZodType<TtsJobEvent> = z.looseObject({
  id: documentId,
  input: z.looseObject({
    text: text.min(1, 'must not be empty'),
    voice_id: text,
    language: text,
    story_type: text,
    story_name: text.exactOptional(),
    voice_name: text.exactOptional(),
    metadata: z.looseObject({
      story_id: documentId,
      user_id: text,
      callback_url: z.url({ protocol: /^https?$/, error: 'must be an http or https address' }),
      attempt: z.number('must be a number').int().min(1, 'must be at least 1'),
    }),
  }),
});

/** Parses a job as it comes from the queue. Fields that are not ours stay, because the handler may know them. */
export const parseTtsJob = (input: unknown): Parsed<TtsJobEvent> => parseWith(schema, input);
