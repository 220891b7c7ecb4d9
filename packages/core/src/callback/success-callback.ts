import { z } from 'zod';
import {
  documentId,
  optionalDocumentId,
  optionalMetadata,
  optionalText,
  type Parsed,
  parseWith,
} from './parse.ts';

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

const schema = z
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
    // Some senders put a bare storage path into audio_url: it says where the audio is, though nothing can play it.
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

/** Parses the body of a success callback. */
export const parseSuccessCallback = (input: unknown): Parsed<SuccessCallback> => parseWith(schema, input);
