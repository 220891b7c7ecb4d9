/** What a caller may tell of a narration beside the story, in the handler's words. Not every handler knows all of it. */
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

/** Puts a job into the handler's words. */
export const ttsJobEvent = (job: TtsJobRequest): TtsJobEvent => ({
  id: job.jobId,
  input: {
    ...job.extras,
    text: job.text,
    voice_id: job.voiceId,
    language: job.language,
    story_type: job.storyType,
    ...(job.title === undefined ? {} : { story_name: job.title }),
    ...(job.voiceName === undefined ? {} : { voice_name: job.voiceName }),
    metadata: {
      story_id: job.storyId,
      user_id: job.userId,
      callback_url: job.callbackUrl,
      attempt: job.attempt,
    },
  },
});
