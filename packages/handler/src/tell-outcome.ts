import {
  type ErrorCategory,
  type ErrorReport,
  reportError,
  type TalebackError,
  toTalebackError,
} from '@taleback/core';
import {
  type CallbackClient,
  notifyErrorCallback,
  notifySuccessCallback,
  type Subject,
} from '@taleback/outbox/src/callbacks-index.ts';
import type { Narration } from '@taleback/speech/src/chain/narrate.ts';
import type { Log } from '@taleback/core';
import type { StoredAudio } from '@taleback/worker/src/storage/index.ts';
import type { JobIdentity, NarrationJob } from './parse-event.ts';
import { successPayload } from './success-payload.ts';

export interface TellOptions {
  readonly callbacks: CallbackClient;
  readonly workerId: string;
  /** What was found out about services that failed lately, by engine. It takes seconds at most. */
  readonly diagnoses?: (() => Promise<Readonly<Record<string, object>>>) | undefined;
  readonly log: Log;
}

/** A narration that was made and kept. */
export interface Made {
  readonly narration: Narration;
  readonly stored: StoredAudio;
}

/** Who a message is about; a story that is not named is called `unknown`, as the source handlers do. */
export const subjectOf = (identity: JobIdentity): Subject => ({
  storyId: identity.storyId ?? 'unknown',
  jobId: identity.jobId,
  userId: identity.userId,
  voiceId: identity.voiceId,
});

/** An address that is none, or a client that breaks, must not cost the job. */
const notifySafely = async (log: Log, notify: () => Promise<unknown>): Promise<void> => {
  try {
    await notify();
  } catch (error) {
    log('error', 'callback could not be sent', { error: toTalebackError(error).message });
  }
};

/** What may lie with a service, and not with the story or with us. */
const OF_SERVICES: ReadonlySet<ErrorCategory> = new Set([
  'network',
  'provider',
  'timeout',
  'auth',
  'model',
  'protection',
]);

/** @see seed 002, "Automatic Diagnostics on Failure" */
const diagnosisOf = async (
  { diagnoses }: TellOptions,
  { category }: TalebackError,
): Promise<{ readonly diagnosis?: object }> => {
  if (diagnoses === undefined || !OF_SERVICES.has(category)) return {};
  const found = await diagnoses().catch(() => ({}));
  return Object.keys(found).length === 0 ? {} : { diagnosis: found };
};

/** Tells that a job failed, if it says where. Never throws. */
export const tellFailure = async (
  options: TellOptions,
  identity: JobIdentity,
  job: NarrationJob | undefined,
  error: TalebackError,
  generationTimeSeconds: number,
): Promise<void> => {
  const { callbackUrl } = identity;
  if (callbackUrl === undefined) return;
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
  await notifySafely(options.log, () =>
    notifyErrorCallback(options.callbacks, callbackUrl, subjectOf(identity), reportError(error), metadata),
  );
};

const NOT_ACCEPTED: ErrorReport = {
  code: 'callback_undeliverable',
  message: 'The audio is ready but the success callback was not accepted',
  retryable: true,
};

/**
 * Tells that the audio is ready, if the job says where. When the receiver will not take it, it gets an error
 * callback instead, so that the page can say something. Never throws.
 */
export const tellSuccess = async (
  options: TellOptions,
  job: NarrationJob,
  { narration, stored }: Made,
  generationTimeSeconds: number,
): Promise<void> => {
  const { callbackUrl } = job;
  if (callbackUrl === undefined) return;
  const payload = successPayload(job, narration, stored, {
    generationTime: generationTimeSeconds,
    workerId: options.workerId,
  });
  const otherwise = {
    report: NOT_ACCEPTED,
    metadata: { audio_url: stored.url, worker_id: options.workerId },
  };
  await notifySafely(options.log, () =>
    notifySuccessCallback(options.callbacks, callbackUrl, subjectOf(job), payload, otherwise),
  );
};
