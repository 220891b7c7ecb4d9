/** The wire form of our messages: seed 001's names, absent values as null, as its Python senders write them. */

export interface SuccessPayload {
  readonly story_id: string;
  readonly user_id: string | null;
  readonly voice_id: string | null;
  readonly voice_name: string | null;
  readonly audio_url: string | null;
  readonly storage_path: string | null;
  readonly language: string | null;
  readonly job_id: string | null;
  readonly duration_ms: number | null;
  readonly metadata: Readonly<Record<string, unknown>>;
}

export interface ErrorPayload {
  readonly story_id: string;
  readonly error: string;
  readonly error_details: string | null;
  readonly user_id: string | null;
  readonly voice_id: string | null;
  readonly job_id: string | null;
  readonly metadata: Readonly<Record<string, unknown>>;
}

export interface ProgressPayload {
  readonly story_id: string;
  readonly job_id: string;
  readonly stage: string;
  readonly progress: number;
}

export type CallbackPayload = SuccessPayload | ErrorPayload | ProgressPayload;
