import {
  deriveErrorCallbackUrl,
  type ErrorCategory,
  type ErrorCode,
  type ErrorReport,
  errorWords,
  type Log,
  reportError,
  type TalebackError,
  toWellFormed,
} from '@taleback/core';
import type { JobIdentity, NarrationJob } from './parse-event.ts';

/** A finished narration, as far as it is reported. */
export interface Narration {
  readonly bytes: Uint8Array;
  readonly durationMs: number;
  readonly chunkCount: number;
  readonly voiceId: string;
  readonly engine: string;
  /** Voices and engines that were tried before, and failed. */
  readonly failedBefore?:
    | readonly {
        readonly engine: string;
        /** Undefined when the engine chose. */
        readonly voiceId: string | undefined;
        readonly error: { readonly code: ErrorCode };
      }[]
    | undefined;
}

export interface StoredAudio {
  readonly key: string;
  readonly url: string;
  readonly sizeBytes: number;
}

export interface CallbackMessage {
  readonly url: string;
  /** The same for every attempt of one message; no dots. */
  readonly messageId: string;
  readonly payload: object;
  /** Sent when this message is finally refused or given up, with the cause as its `error_details`. */
  readonly substitute?: Omit<CallbackMessage, 'substitute'> | undefined;
}

/** What became of a message, as far as the handler needs to know. */
export interface Delivery {
  readonly kind: string;
  /** The beginning of the answer. */
  readonly excerpt?: string | undefined;
}

export interface CallbackClient {
  /** Sends until the message is accepted, refused, or given up, or keeps it for that. */
  deliver(message: CallbackMessage, signal?: AbortSignal): Promise<Delivery>;
  /** Sends once: for news that the next one makes old. */
  deliverOnce(message: CallbackMessage, signal?: AbortSignal): Promise<Delivery>;
}

export interface ReportOptions {
  readonly callbacks: CallbackClient;
  readonly workerId: string;
  /** What was found out about services that failed lately, by engine. It takes seconds at most. */
  readonly diagnoses?: (() => Promise<Readonly<Record<string, object>>>) | undefined;
  readonly log: Log;
}

/** A story that is not named is called `unknown`, as in the source handlers. */
const UNKNOWN_STORY = 'unknown';

/** Idempotency key of a message. It is sent in a header, so letters outside ASCII are encoded; dots are forbidden. */
export const messageIdOf = (
  { jobId, storyId }: Pick<JobIdentity, 'jobId' | 'storyId'>,
  kind: string,
): string =>
  encodeURIComponent(toWellFormed(`${kind}_${jobId ?? storyId ?? UNKNOWN_STORY}`))
    .replaceAll('.', '-')
    .slice(0, 200);

/** An address that nothing can be derived from stays as it is: the client reports that it is not one. */
const errorUrlOf = (callbackUrl: string): string => {
  try {
    return deriveErrorCallbackUrl(callbackUrl);
  } catch {
    return callbackUrl;
  }
};

/**
 * The error callback, in the names of the source handlers, absent values as null as their Python senders write them.
 *
 * @see docs/origins.md#error-callback-url
 */
export const errorMessage = (
  callbackUrl: string,
  identity: JobIdentity,
  report: ErrorReport,
  metadata: Readonly<Record<string, unknown>>,
): CallbackMessage => ({
  url: errorUrlOf(callbackUrl),
  messageId: messageIdOf(identity, 'failed'),
  payload: {
    story_id: identity.storyId ?? UNKNOWN_STORY,
    error: report.message,
    error_details: report.details ?? null,
    user_id: identity.userId ?? null,
    voice_id: identity.voiceId ?? null,
    job_id: identity.jobId ?? null,
    metadata: { ...metadata, error_type: report.code, retryable: report.retryable },
  },
});

/** The body of a success callback; its metadata is the job's own, with how the audio was made. */
export const successPayload = (
  job: NarrationJob,
  narration: Narration,
  stored: StoredAudio,
  made: { readonly generationTime: number; readonly workerId: string },
) => {
  const failedBefore = narration.failedBefore ?? [];
  const fallback = {
    spoken_voice_id: narration.voiceId,
    failed_before: failedBefore.map(({ engine, voiceId, error }) => ({
      engine,
      voice_id: voiceId ?? null,
      error_type: error.code,
    })),
  };
  return {
    story_id: job.storyId ?? UNKNOWN_STORY,
    user_id: job.userId ?? null,
    // After a fallback the story keeps the voice that its person chose.
    voice_id: failedBefore.length > 0 ? job.voiceId : narration.voiceId,
    voice_name: job.voiceName ?? null,
    audio_url: stored.url,
    storage_path: stored.key,
    language: job.language,
    job_id: job.jobId ?? null,
    duration_ms: narration.durationMs,
    metadata: {
      ...job.metadata,
      generation_time: made.generationTime,
      worker_id: made.workerId,
      engine: narration.engine,
      chunks: narration.chunkCount,
      size_bytes: stored.sizeBytes,
      ...(failedBefore.length === 0 ? {} : fallback),
    },
  };
};

/** A wrong address, or a client that fails, must not cost the job. */
const deliverSafely = async ({ callbacks, log }: ReportOptions, message: CallbackMessage): Promise<void> => {
  try {
    await callbacks.deliver(message);
  } catch (error) {
    log('error', 'callback could not be sent', { error: errorWords(error) });
  }
};

/** Failures that may be caused by a service, and not by the story or by us. */
const OF_SERVICES: ReadonlySet<ErrorCategory> = new Set([
  'network',
  'provider',
  'timeout',
  'auth',
  'model',
  'protection',
]);

/** @see docs/origins.md#diagnostics */
const diagnosisOf = async ({ diagnoses }: ReportOptions, { category }: TalebackError): Promise<object> => {
  if (diagnoses === undefined || !OF_SERVICES.has(category)) return {};
  const found = await diagnoses().catch(() => ({}));
  return Object.keys(found).length === 0 ? {} : { diagnosis: found };
};

/** Sends the error callback, if the job names an address. Never throws. */
export const reportFailure = async (
  options: ReportOptions,
  identity: JobIdentity | NarrationJob,
  error: TalebackError,
  generationTimeSeconds: number,
): Promise<void> => {
  const { callbackUrl } = identity;
  if (callbackUrl === undefined) return;
  const job = 'text' in identity ? identity : undefined;
  const metadata = {
    ...(await diagnosisOf(options, error)),
    language: job?.language,
    story_type: job?.storyType,
    story_name: job?.storyName,
    voice_name: job?.voiceName,
    text_length: job?.text.length,
    generation_time: generationTimeSeconds,
    worker_id: options.workerId,
  };
  await deliverSafely(options, errorMessage(callbackUrl, identity, reportError(error), metadata));
};

const NOT_ACCEPTED: ErrorReport = {
  code: 'callback_undeliverable',
  message: 'The audio is ready but the success callback was not accepted',
  retryable: true,
};

/**
 * Sends the success callback, if the job names an address. If the receiver refuses it for good, an error callback
 * follows, so that the page can show something. Never throws.
 */
export const reportSuccess = async (
  options: ReportOptions,
  job: NarrationJob,
  { narration, stored }: { readonly narration: Narration; readonly stored: StoredAudio },
  generationTimeSeconds: number,
): Promise<void> => {
  const { callbackUrl } = job;
  if (callbackUrl === undefined) return;
  const { workerId } = options;
  await deliverSafely(options, {
    url: callbackUrl,
    messageId: messageIdOf(job, 'ready'),
    payload: successPayload(job, narration, stored, { generationTime: generationTimeSeconds, workerId }),
    substitute: errorMessage(callbackUrl, job, NOT_ACCEPTED, { audio_url: stored.url, worker_id: workerId }),
  });
};
