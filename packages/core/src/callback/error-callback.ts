import { z } from 'zod';
import { toWellFormed } from './document-id.ts';
import {
  documentId,
  optionalDocumentId,
  optionalMetadata,
  optionalText,
  type Parsed,
  parseWith,
} from './parse.ts';

/** The body of `POST /api/tts/error-callback`, in our own names. @see seed 001, "API Specification" */
export interface ErrorCallback {
  readonly storyId: string;
  /** The sender's words, kept as they are. */
  readonly error: string;
  readonly errorDetails: string | undefined;
  readonly userId: string | undefined;
  readonly voiceId: string | undefined;
  readonly jobId: string | undefined;
  readonly metadata: Record<string, unknown> | undefined;
}

const schema = z
  .object({
    story_id: documentId,
    error: z.string('must be a string').min(1, 'must not be empty'),
    error_details: optionalText,
    user_id: optionalText,
    voice_id: optionalText,
    job_id: optionalDocumentId,
    metadata: optionalMetadata,
  })
  .transform(
    (body): ErrorCallback => ({
      storyId: body.story_id,
      error: toWellFormed(body.error),
      errorDetails: body.error_details,
      userId: body.user_id,
      voiceId: body.voice_id,
      jobId: body.job_id,
      metadata: body.metadata,
    }),
  );

/** Parses the body of an error callback. */
export const parseErrorCallback = (input: unknown): Parsed<ErrorCallback> => parseWith(schema, input);
