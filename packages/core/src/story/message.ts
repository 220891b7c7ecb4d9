import type { ErrorCallback, ProgressReport, SuccessCallback } from '../callback/parse.ts';
import { type ErrorCode, describeError, isErrorCode } from '../errors/catalogue.ts';
import { classifyWords } from '../errors/classify.ts';
import { isRecord, numberOf, textOf } from '../json.ts';
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

/** As Firestore can hold it. Handlers echo the callback address, also in errors: its token is redacted. */
const stored = (metadata: Record<string, unknown> | undefined): Record<string, unknown> | undefined =>
  metadata && storableMetadata(metadata, withoutTokens);

/**
 * The message of a success callback.
 *
 * @example
 * const parsed = parseSuccessCallback({ story_id: 's1', storage_path: 'a.mp3' });
 * if (parsed.ok) messageFromSuccess(parsed.value).kind; // 'ready'
 */
export const messageFromSuccess = ({
  storyId: _story,
  userId: _user,
  ...said
}: SuccessCallback): ReadyMessage => ({
  kind: 'ready',
  ...said,
  metadata: stored(said.metadata),
});

/**
 * Classifies the sender's words; `metadata.retryable`, when the sender knows it, outranks the catalogue.
 *
 * @example
 * const parsed = parseErrorCallback({ story_id: 's1', error: 'CUDA out of memory' });
 * if (parsed.ok) messageFromError(parsed.value).code; // 'gpu_out_of_memory'
 */
export const messageFromError = ({ jobId, error, errorDetails, metadata }: ErrorCallback): FailedMessage => {
  const code = classifyWords({ error, details: errorDetails, errorType: metadata?.['error_type'] });
  const retryable = metadata?.['retryable'];
  return {
    kind: 'failed',
    jobId,
    error: withoutTokens(error),
    details: errorDetails === undefined ? undefined : withoutTokens(errorDetails),
    code,
    retryable: typeof retryable === 'boolean' ? retryable : describeError(code).retryable,
    metadata: stored(metadata),
  };
};

/**
 * The message that an attempt document recorded, for a job that is known by another id now. Undefined when there was none.
 *
 * @example
 * recordedMessage('j1', { status: 'ready', audioUrl: 'https://a.example/x.mp3' })?.kind; // 'ready'
 */
export const recordedMessage = (
  jobId: string,
  fields: Readonly<Record<string, unknown>>,
): StoryMessage | undefined => {
  const error = isRecord(fields['error']) ? fields['error'] : {};
  switch (fields['status']) {
    case 'processing':
      return { kind: 'progress', jobId, stage: textOf(fields['stage']) ?? 'processing', progress: undefined };
    case 'ready':
      return {
        kind: 'ready',
        jobId,
        audioUrl: textOf(fields['audioUrl']),
        storagePath: textOf(fields['audioStoragePath']),
        durationMs: numberOf(fields['durationMs']),
        voiceId: textOf(fields['voiceId']),
        voiceName: undefined,
        language: textOf(fields['language']),
        metadata: undefined,
      };
    case 'failed': {
      const code = isErrorCode(error['code']) ? error['code'] : 'unknown';
      const { retryable } = error;
      return {
        kind: 'failed',
        jobId,
        error: textOf(error['message']) ?? describeError(code).sentence,
        details: textOf(error['details']),
        code,
        retryable: typeof retryable === 'boolean' ? retryable : describeError(code).retryable,
        metadata: undefined,
      };
    }
    default:
      return undefined;
  }
};

/**
 * The message of a progress report.
 *
 * @example
 * const parsed = parseProgress({ story_id: 's1', job_id: 'j1', stage: 'encoding' });
 * if (parsed.ok) messageFromProgress(parsed.value).stage; // 'encoding'
 */
export const messageFromProgress = ({ storyId: _story, ...report }: ProgressReport): ProgressMessage => ({
  kind: 'progress',
  ...report,
});
