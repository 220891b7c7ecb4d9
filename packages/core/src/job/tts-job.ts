import { z } from 'zod';
import { type Parsed, documentId, parseWith } from '../callback/parse.ts';
import { present } from '../json.ts';
import type { TtsJobExtras } from './job-extras.ts';

/**
 * A narration job on the wire: the event that a RunPod handler reads, so that the same job may go to RunPod or to
 * a worker of our own. Names are the handler's, in snake case.
 */
export interface TtsJobEvent {
  readonly id: string;
  readonly input: TtsJobExtras & {
    readonly text: string;
    readonly voice_id: string;
    readonly language: string;
    readonly story_type: string;
    readonly story_name?: string;
    readonly voice_name?: string;
    readonly metadata: {
      readonly story_id: string;
      readonly user_id: string;
      readonly callback_url: string;
      readonly attempt: number;
    };
  };
}

export interface TtsJobRequest {
  readonly jobId: string;
  readonly attempt: number;
  readonly storyId: string;
  readonly userId: string;
  readonly text: string;
  readonly voiceId: string;
  readonly voiceName: string | undefined;
  readonly title: string | undefined;
  readonly language: string;
  readonly storyType: string;
  readonly callbackUrl: string;
  readonly extras?: TtsJobExtras | undefined;
}

/**
 * Puts a job into the handler's words.
 *
 * @example
 * const request = { jobId: 'j1', attempt: 1, storyId: 's1', userId: 'ada', text: 'Once.', voiceId: 'v1' };
 * const rest = { voiceName: undefined, title: undefined, language: 'en', storyType: 'tale' };
 * ttsJobEvent({ ...request, ...rest, callbackUrl: 'https://a.example/api/tts/callback' }).id; // 'j1'
 */
export const ttsJobEvent = (job: TtsJobRequest): TtsJobEvent => ({
  id: job.jobId,
  input: {
    ...job.extras,
    text: job.text,
    voice_id: job.voiceId,
    language: job.language,
    story_type: job.storyType,
    ...present({ story_name: job.title, voice_name: job.voiceName }),
    metadata: {
      story_id: job.storyId,
      user_id: job.userId,
      callback_url: job.callbackUrl,
      attempt: job.attempt,
    },
  },
});

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

/**
 * Parses a job as it comes from the queue. Fields that are not ours stay, because the handler may know them.
 *
 * @example
 * parseTtsJob({ id: 'j1' }); // { ok: false, field: 'input', sentence: 'input: is required' }
 */
export const parseTtsJob = (input: unknown): Parsed<TtsJobEvent> => parseWith(schema, input);
