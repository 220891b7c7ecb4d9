import type { ErrorCode } from '@taleback/core';

/** What the handler returns to whoever gave it the job; the fields of the source handlers. */
export type HandlerResult =
  | {
      readonly status: 'success';
      readonly audio_url: string;
      readonly storage_path: string;
      readonly duration_ms: number;
      readonly generation_time: number;
    }
  | {
      readonly status: 'error';
      readonly error: string;
      readonly error_type: ErrorCode;
      readonly retryable: boolean;
      readonly generation_time: number;
    };
