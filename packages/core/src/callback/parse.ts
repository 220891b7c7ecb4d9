import { z } from 'zod';
import { isRecord } from '../json.ts';
import { documentIdFault, toWellFormed } from '../storable/document-id.ts';

/** What parsing ends in: the value, or the field that is wrong and a sentence that names it. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly field: string; readonly sentence: string };

/** A required document id. */
export const documentId = z.string('must be a string').superRefine((id, context) => {
  const fault = documentIdFault(id);
  if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
});

/** An optional string; Python senders write null or "" for what they do not have. */
export const optionalText = z
  .string('must be a string')
  .nullish()
  .transform((text) => (text ? toWellFormed(text) : undefined));

/** An optional document id; null and "" count as absent. Nothing is repaired, because another id is another job. */
export const optionalDocumentId = z
  .string('must be a string')
  .nullish()
  .transform((id) => id || undefined)
  .superRefine((id, context) => {
    const fault = id === undefined ? undefined : documentIdFault(id);
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
  });

/** Optional free-form metadata: any JSON object, kept by reference. An empty one counts as absent. */
export const optionalMetadata = z
  .custom<Record<string, unknown>>(isRecord, 'must be an object')
  .nullish()
  .transform((metadata) => (metadata && Object.keys(metadata).length > 0 ? metadata : undefined));

/** Whether anything stands at the end of a path through JSON; null does. */
const isThere = (input: unknown, path: readonly PropertyKey[]): boolean => {
  let value = input;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return false;
    value = (value as Record<PropertyKey, unknown>)[step];
  }
  return value !== undefined;
};

/**
 * Parses untrusted JSON by a schema, naming the first field that is wrong. Unknown fields are ignored.
 *
 * @example
 * import { parseWith } from '@taleback/core';
 * import { z } from 'zod';
 * parseWith(z.object({ id: z.string() }), { id: 7 }); // { ok: false, field: 'id', sentence: ... }
 */
export const parseWith = <T>(schema: z.ZodType<T>, input: unknown): Parsed<T> => {
  if (!isRecord(input)) return { ok: false, field: 'body', sentence: 'body: must be a JSON object' };
  const result = schema.safeParse(input);
  if (result.success) return { ok: true, value: result.data };
  const issue = result.error.issues[0];
  const field = issue?.path.map(String).join('.') || 'body';
  const isMissing = issue?.code === 'invalid_type' && !isThere(input, issue.path);
  return {
    ok: false,
    field,
    sentence: `${field}: ${isMissing ? 'is required' : (issue?.message ?? 'is invalid')}`,
  };
};

/** The body of `POST /api/tts/callback`, in our own names. */
export interface SuccessCallback {
  readonly storyId: string;
  readonly userId: string | undefined;
  readonly jobId: string | undefined;
  readonly voiceId: string | undefined;
  readonly voiceName: string | undefined;
  readonly language: string | undefined;
  /** An http(s) address where the audio can be played. */
  readonly audioUrl: string | undefined;
  /** The key of the audio in its store. */
  readonly storagePath: string | undefined;
  readonly durationMs: number | undefined;
  readonly metadata: Record<string, unknown> | undefined;
}

const isHttpUrl = (text: string): boolean => {
  if (!URL.canParse(text)) return false;
  const { protocol } = new URL(text);
  return protocol === 'http:' || protocol === 'https:';
};

const successSchema = z
  .object({
    story_id: documentId,
    user_id: optionalText,
    voice_id: optionalText,
    voice_name: optionalText,
    audio_url: optionalText,
    storage_path: optionalText,
    r2_path: optionalText,
    language: optionalText,
    job_id: optionalDocumentId,
    duration_ms: z.number('must be a number').nonnegative('must not be negative').nullish(),
    metadata: optionalMetadata,
  })
  .superRefine((body, context) => {
    if (body.audio_url ?? body.storage_path ?? body.r2_path) return;
    context.addIssue({
      code: 'custom',
      path: ['audio_url'],
      message: 'one of audio_url, storage_path and r2_path is required',
    });
  })
  .transform((body, context): SuccessCallback => {
    const audioUrl = body.audio_url !== undefined && isHttpUrl(body.audio_url) ? body.audio_url : undefined;
    // Some senders put a bare storage path into audio_url.
    const barePath =
      body.audio_url !== undefined && !URL.canParse(body.audio_url) ? body.audio_url : undefined;
    const storagePath = body.storage_path ?? body.r2_path ?? barePath;
    if (audioUrl === undefined && storagePath === undefined) {
      context.addIssue({ code: 'custom', path: ['audio_url'], message: 'must be an http or https address' });
    }
    return {
      storyId: body.story_id,
      userId: body.user_id,
      jobId: body.job_id,
      voiceId: body.voice_id,
      voiceName: body.voice_name,
      language: body.language,
      audioUrl,
      storagePath,
      durationMs: body.duration_ms ?? undefined,
      metadata: body.metadata,
    };
  });

/**
 * Parses the body of a success callback.
 *
 * @example
 * parseSuccessCallback({ story_id: 's1', audio_url: 'https://a.example/s1.mp3' }).ok; // true
 */
export const parseSuccessCallback = (input: unknown): Parsed<SuccessCallback> =>
  parseWith(successSchema, input);

/** The body of `POST /api/tts/error-callback`, in our own names. @see docs/origins.md#payload */
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

const errorSchema = z
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

/**
 * Parses the body of an error callback.
 *
 * @example
 * const parsed = parseErrorCallback({ story_id: 's1' });
 * if (!parsed.ok) console.log(parsed.sentence); // error: is required
 */
export const parseErrorCallback = (input: unknown): Parsed<ErrorCallback> => parseWith(errorSchema, input);

/** The body of `POST /api/tts/progress`, in our own names. */
export interface ProgressReport {
  readonly storyId: string;
  readonly jobId: string;
  /** A word or two for what the worker is doing, such as `synthesizing`. */
  readonly stage: string;
  /** Share of the work that is done, 0 to 1. */
  readonly progress: number | undefined;
}

const MAX_STAGE_CHARACTERS = 100;

const progressSchema = z
  .object({
    story_id: documentId,
    job_id: documentId,
    stage: z
      .string('must be a string')
      .min(1, 'must not be empty')
      .max(MAX_STAGE_CHARACTERS, `must be at most ${MAX_STAGE_CHARACTERS} characters`),
    progress: z
      .number('must be a number')
      .min(0, 'must be between 0 and 1')
      .max(1, 'must be between 0 and 1')
      .nullish(),
  })
  .transform(
    (body): ProgressReport => ({
      storyId: body.story_id,
      jobId: body.job_id,
      stage: toWellFormed(body.stage),
      progress: body.progress ?? undefined,
    }),
  );

/**
 * Parses the body of a progress report.
 *
 * @example
 * parseProgress({ story_id: 's1', job_id: 'j1', stage: 'synthesizing', progress: 0.5 }).ok; // true
 */
export const parseProgress = (input: unknown): Parsed<ProgressReport> => parseWith(progressSchema, input);
