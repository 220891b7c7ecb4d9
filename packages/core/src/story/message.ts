import type { ErrorCallback, ProgressReport, SuccessCallback } from '../callback/parse.ts';
import { type ErrorCode, describeError } from '../errors/catalogue.ts';
import { classifyWords } from '../errors/classify.ts';
import { withoutTokens } from '../log.ts';
import { storableMetadata } from '../storable/document.ts';

/** What a message can report of a job. */
export type StoryMessage = ProgressMessage | ReadyMessage | FailedMessage;

export interface ProgressMessage {
  readonly kind: 'progress';
  readonly jobId: string;
  readonly stage: string;
  /** 0..1 */
  readonly progress: number | undefined;
}

export interface ReadyMessage {
  readonly kind: 'ready';
  readonly jobId: string | undefined;
  readonly audioUrl: string | undefined;
  readonly storagePath: string | undefined;
  readonly durationMs: number | undefined;
  readonly voiceId: string | undefined;
  readonly voiceName: string | undefined;
  readonly language: string | undefined;
  readonly metadata: Readonly<Record<string, unknown>> | undefined;
}

export interface FailedMessage {
  readonly kind: 'failed';
  readonly jobId: string | undefined;
  readonly error: string;
  readonly details: string | undefined;
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly metadata: Readonly<Record<string, unknown>> | undefined;
}

/** Handlers echo the callback address, also in errors; its token must not reach the document. */
const withoutToken = (metadata: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(metadata).map(([name, value]) => [
      name,
      typeof value === 'string' ? withoutTokens(value) : value,
    ]),
  );

const stored = (metadata: Record<string, unknown> | undefined): Record<string, unknown> | undefined =>
  metadata === undefined ? undefined : storableMetadata(withoutToken(metadata));

/**
 * The message of a success callback.
 *
 * @example
 * const parsed = parseSuccessCallback({ story_id: 's1', storage_path: 'a.mp3' });
 * if (parsed.ok) messageFromSuccess(parsed.value).kind; // 'ready'
 */
export const messageFromSuccess = (callback: SuccessCallback): ReadyMessage => ({
  kind: 'ready',
  jobId: callback.jobId,
  audioUrl: callback.audioUrl,
  storagePath: callback.storagePath,
  durationMs: callback.durationMs,
  voiceId: callback.voiceId,
  voiceName: callback.voiceName,
  language: callback.language,
  metadata: stored(callback.metadata),
});

/**
 * Classifies the sender's words; `metadata.retryable`, when the sender knows it, outranks the catalogue.
 *
 * @example
 * const parsed = parseErrorCallback({ story_id: 's1', error: 'CUDA out of memory' });
 * if (parsed.ok) messageFromError(parsed.value).code; // 'gpu_out_of_memory'
 */
export const messageFromError = (callback: ErrorCallback): FailedMessage => {
  const code = classifyWords({
    error: callback.error,
    details: callback.errorDetails,
    errorType: callback.metadata?.['error_type'],
  });
  const retryable = callback.metadata?.['retryable'];
  return {
    kind: 'failed',
    jobId: callback.jobId,
    error: withoutTokens(callback.error),
    details: callback.errorDetails === undefined ? undefined : withoutTokens(callback.errorDetails),
    code,
    retryable: typeof retryable === 'boolean' ? retryable : describeError(code).retryable,
    metadata: stored(callback.metadata),
  };
};

/**
 * The message of a progress report.
 *
 * @example
 * const parsed = parseProgress({ story_id: 's1', job_id: 'j1', stage: 'encoding' });
 * if (parsed.ok) messageFromProgress(parsed.value).stage; // 'encoding'
 */
export const messageFromProgress = (report: ProgressReport): ProgressMessage => ({
  kind: 'progress',
  jobId: report.jobId,
  stage: report.stage,
  progress: report.progress,
});
