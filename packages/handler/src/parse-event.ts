import {
  documentIdFault,
  type ErrorCode,
  isRecord,
  type JobPriority,
  numberOf,
  priorityOf,
  TalebackError,
} from '@taleback/core';

/** Where a job says that the recording of a voice is; one of the two. */
export interface RecordingSource {
  /** The recording itself, perhaps with `data:` before it. */
  readonly base64?: string | undefined;
  /** Its key in the store. */
  readonly path?: string | undefined;
}

/** How engines that clone voices are asked to speak. */
export interface VoiceStyle {
  readonly exaggeration?: number | undefined;
  readonly cfgWeight?: number | undefined;
  readonly temperature?: number | undefined;
}

export interface NarrationJob {
  readonly jobId: string | undefined;
  readonly storyId: string | undefined;
  readonly userId: string | undefined;
  readonly callbackUrl: string | undefined;
  readonly text: string;
  readonly voiceId: string;
  readonly voiceName: string | undefined;
  readonly language: string;
  readonly storyType: string;
  readonly storyName: string | undefined;
  readonly genre: string | undefined;
  readonly isKidsVoice: boolean;
  readonly modelType: string | undefined;
  /** Multiplies the pauses between sentences. */
  readonly pauseScale: number | undefined;
  readonly speed: number | undefined;
  /** Where the recording of a person's own voice is. */
  readonly recording: RecordingSource | undefined;
  /** Whether another voice may read when that one cannot. */
  readonly allowsOtherVoice: boolean;
  readonly style: VoiceStyle | undefined;
  /** Where it stands among the stories of one worker; anything unknown counts as absent. */
  readonly priority: JobPriority | undefined;
  /** Where the sender wants the audio; used only when it can be trusted. */
  readonly storagePath: string | undefined;
  /** `input.metadata` as it came, without a recording; echoed in the success callback. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** The ids of a job, as far as they are known: enough to send an error callback for a job that cannot be used. */
export type JobIdentity = Pick<NarrationJob, 'jobId' | 'storyId' | 'userId' | 'callbackUrl'> & {
  readonly voiceId: string | undefined;
  readonly metadata: Readonly<Record<string, unknown>>;
};

export type ParsedEvent =
  | { readonly ok: true; readonly job: NarrationJob }
  | { readonly ok: false; readonly identity: JobIdentity; readonly error: TalebackError };

type Fields = Readonly<Record<string, unknown>>;

const DEFAULT_LANGUAGE = 'en';
const DEFAULT_STORY_TYPE = 'user';

const object = (value: unknown): Fields => (isRecord(value) ? value : {});

const textOnly = (value: unknown): string | undefined =>
  typeof value === 'string' && value.trim() !== '' ? value : undefined;

const text = (value: unknown): string | undefined =>
  typeof value === 'number' ? String(value) : textOnly(value);

/** The first of the places that holds text; the order is the field's precedence in the source handlers. */
const firstText = (...values: readonly unknown[]): string | undefined =>
  values.map(text).find((found) => found !== undefined);

const number = (value: unknown): number | undefined =>
  numberOf(textOnly(value) === undefined ? value : Number(value));

/** The recording itself before the places of one that came with the job, and of one that the sender has. */
const recordingIn = (fields: Fields): RecordingSource | undefined => {
  const base64 = textOnly(fields['profile_base64']);
  if (base64 !== undefined) return { base64 };
  const path = textOnly(fields['recording_path']) ?? textOnly(fields['profile_path']);
  return path === undefined ? undefined : { path };
};

const identify = (event: Fields, input: Fields, metadata: Fields): JobIdentity => {
  const outer = object(event['metadata']);
  return {
    // Behind RunPod the event's id is RunPod's own; the sender of the job put the attempt's into the metadata.
    jobId: firstText(metadata['job_id'], event['id'], input['job_id']),
    storyId: firstText(metadata['story_id'], input['story_id'], outer['story_id']),
    userId: firstText(metadata['user_id'], input['user_id'], outer['user_id']),
    callbackUrl: firstText(metadata['callback_url'], outer['callback_url'], input['callback_url']),
    voiceId: firstText(input['voice_id'], metadata['voice_id']),
    metadata: withoutRecording(metadata),
  };
};

/** A recording has megabytes, and does not belong into a callback. */
const withoutRecording = ({ profile_base64: _recording, ...others }: Fields): Fields => others;

const refuse = (code: ErrorCode, message: string, details: string): TalebackError =>
  new TalebackError(code, message, { details });

const faultOf = ({ voiceId, jobId }: JobIdentity, input: Fields): TalebackError | undefined => {
  if (textOnly(input['text']) === undefined)
    return refuse('text_empty', 'The story has no text', 'input.text: is required');
  if (voiceId === undefined)
    return refuse('request_invalid', 'No voice was chosen', 'input.voice_id: is required');
  const jobIdFault = jobId && documentIdFault(jobId);
  return jobIdFault ? refuse('request_invalid', 'The job id cannot be used', `id: ${jobIdFault}`) : undefined;
};

/**
 * Reads a RunPod event: `input`, the API metadata nested in it, and the metadata beside it, in every spelling that
 * handlers in the field accept. Unknown fields are ignored.
 */
export const parseEvent = (event: unknown): ParsedEvent => {
  const outer = object(event);
  const input = object(outer['input']);
  const metadata = object(input['metadata']);
  const identity = identify(outer, input, metadata);
  const error = faultOf(identity, input);
  if (error !== undefined) return { ok: false, identity, error };
  const given = (name: string): unknown => input[name] ?? metadata[name];
  const style = {
    exaggeration: number(given('exaggeration')),
    cfgWeight: number(given('cfg_weight')),
    temperature: number(given('temperature')),
  };
  const job: NarrationJob = {
    ...identity,
    text: input['text'] as string,
    voiceId: identity.voiceId as string,
    voiceName: firstText(metadata['voice_name'], input['voice_name']),
    language: firstText(input['language'], metadata['language']) ?? DEFAULT_LANGUAGE,
    storyType: firstText(input['story_type'], metadata['story_type']) ?? DEFAULT_STORY_TYPE,
    storyName: firstText(metadata['story_name'], input['story_name']),
    genre: firstText(input['genre'], input['story_genre'], input['storyGenre'], metadata['genre']),
    isKidsVoice: given('is_kids_voice') === true,
    modelType: firstText(input['model_type'], metadata['model_type']),
    pauseScale: number(given('pause_scale')),
    speed: number(given('speed')),
    recording: recordingIn(input) ?? recordingIn(metadata),
    allowsOtherVoice: given('allow_other_voice') === true,
    style: Object.values(style).every((value) => value === undefined) ? undefined : style,
    priority: priorityOf(given('priority')),
    storagePath: firstText(metadata['storage_path'], input['storage_path']),
  };
  return { ok: true, job };
};
