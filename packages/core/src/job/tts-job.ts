import { z } from 'zod';
import { type Parsed, documentId, parseWith } from '../callback/parse.ts';
import { present } from '../json.ts';

/** Optional fields of a job, in the handler's names. Not every handler knows all of them. */
export interface TtsJobExtras {
  /** The voice itself, in base64. */
  readonly profile_base64?: string;
  /** Where the voice lies in the store. */
  readonly profile_path?: string;
  readonly is_kids_voice?: boolean;
  readonly model_type?: string;
  readonly genre?: string;
  readonly output_basename?: string;
  readonly output_filename?: string;
}

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

/** What a story keeps of a job's extras, so that Try Again makes the same. */
export interface KeptExtras extends Omit<TtsJobExtras, 'profile_base64'> {
  /** The job came with the recording of its voice, which is too large to be kept. */
  readonly has_recording?: boolean;
}

const orNothing = <T extends object>(extras: T): T | undefined =>
  Object.keys(extras).length === 0 ? undefined : extras;

/**
 * The extras without a recording itself, and a mark in its place.
 *
 * @example
 * keptExtras({ profile_base64: 'UklGRg==', genre: 'tale' }); // { genre: 'tale', has_recording: true }
 */
export const keptExtras = ({ profile_base64: recording, ...others }: TtsJobExtras): KeptExtras | undefined =>
  orNothing({ ...others, ...(recording === undefined ? {} : { has_recording: true }) });

const textOrNothing = z.string().optional().catch(undefined);

const keptSchema = z.object({
  profile_path: textOrNothing,
  model_type: textOrNothing,
  genre: textOrNothing,
  output_basename: textOrNothing,
  output_filename: textOrNothing,
  is_kids_voice: z.boolean().optional().catch(undefined),
  has_recording: z.literal(true).optional().catch(undefined),
});

/**
 * The extras that a story kept; whatever else stands there is left out.
 *
 * @example
 * readExtras({ genre: 'tale', other: 1 }); // { genre: 'tale' }
 */
export const readExtras = (stored: unknown): KeptExtras | undefined =>
  stored === undefined ? undefined : orNothing(present(keptSchema.safeParse(stored).data ?? {}));

/**
 * Extras for another voice: what belonged to the old one is left out.
 *
 * @example
 * extrasOfOtherVoice({ genre: 'tale', has_recording: true }); // { genre: 'tale' }
 */
export const extrasOfOtherVoice = ({
  has_recording: _hasRecording,
  profile_path: _path,
  is_kids_voice: _isKidsVoice,
  ...others
}: KeptExtras): KeptExtras | undefined => orNothing(others);

/**
 * The extras as they go into a job.
 *
 * @example
 * extrasForJob({ genre: 'tale', has_recording: true }); // { genre: 'tale' }
 */
export const extrasForJob = ({
  has_recording: _hasRecording,
  ...others
}: KeptExtras): TtsJobExtras | undefined => orNothing(others);
