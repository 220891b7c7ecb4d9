import { type ErrorCode, isErrorCode } from '../errors/index.ts';
import { type AudioStatus, readStoryAudio } from './story-audio.ts';

/** How a story's narration stands, for those who are told of it. */
export interface NarrationState {
  readonly status: AudioStatus | undefined;
  readonly jobId: string | undefined;
  /** 1-based; 0 when none was counted. */
  readonly attempt: number;
  readonly userId: string | undefined;
  readonly audioUrl: string | undefined;
  readonly storagePath: string | undefined;
  readonly durationMs: number | undefined;
  readonly code: ErrorCode | undefined;
  readonly retryable: boolean | undefined;
  /** Unix milliseconds; when a failure is tried again by itself. */
  readonly retryAtMs: number | undefined;
}

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** Reads how a narration stands from a story document, whoever wrote it. */
export const readNarration = (fields: Readonly<Record<string, unknown>>): NarrationState => {
  const { status, jobId, attempt, retryAtMs } = readStoryAudio(fields);
  const { audioDurationMs: duration, audioErrorCode: code, audioErrorRetryable: retryable } = fields;
  return {
    status,
    jobId,
    attempt,
    userId: textOf(fields['userId']),
    audioUrl: textOf(fields['audioUrl']),
    storagePath: textOf(fields['audioStoragePath']),
    durationMs: typeof duration === 'number' && Number.isFinite(duration) ? duration : undefined,
    code: isErrorCode(code) ? code : undefined,
    retryable: typeof retryable === 'boolean' ? retryable : undefined,
    retryAtMs,
  };
};
