import { reportError, type StoryLimits, type TalebackError, toTalebackError } from '@taleback/core';
import {
  type CallbackClient,
  createProgressReporter,
  notifyErrorCallback,
  notifySuccessCallback,
  type ProgressReporter,
  type Subject,
} from '../callbacks/index.ts';
import type { Narrate, Narration } from '../manager/index.ts';
import type { Log } from '../observe/index.ts';
import { type AudioStore, audioKey, type StoredAudio, trustedStoragePath } from '../storage/index.ts';
import { checkJob } from './check-job.ts';
import { type JobIdentity, type NarrationJob, parseEvent } from './parse-event.ts';
import type { HandlerResult } from './result.ts';
import { successPayload } from './success-payload.ts';

export interface HandlerOptions {
  readonly narrate: Narrate;
  readonly store: AudioStore;
  readonly callbacks: CallbackClient;
  readonly limits: StoryLimits;
  readonly workerId: string;
  readonly log: Log;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** An id that nobody else makes, for the audio of a job that has none. */
  readonly newId: () => string;
}

/**
 * Handles one event, whatever its source. It resolves however the job ends; it rejects only when the signal aborted
 * it, so that the job can be given to somebody else.
 */
export type Handler = (event: unknown, signal: AbortSignal) => Promise<HandlerResult>;

/** Share of the whole that is told before and after the speaking itself. */
const SPOKEN_FROM = 0.05;
const SPOKEN_TO = 0.9;
const STORED_AT = 0.95;

const silentReporter: ProgressReporter = { report: () => {}, close: () => Promise.resolve() };

interface Made {
  readonly narration: Narration;
  readonly stored: StoredAudio;
}

const make = async (
  job: NarrationJob,
  progress: ProgressReporter,
  options: HandlerOptions,
  signal: AbortSignal,
): Promise<Made> => {
  progress.report('checking', 0);
  checkJob(job, options.limits);
  progress.report('synthesizing', SPOKEN_FROM);
  const narration = await options.narrate(
    {
      text: job.text,
      voiceId: job.voiceId,
      language: job.language,
      speed: job.speed,
      pauseScale: job.pauseScale,
    },
    {
      signal,
      onProgress: (fraction) =>
        progress.report('synthesizing', SPOKEN_FROM + fraction * (SPOKEN_TO - SPOKEN_FROM)),
    },
  );
  progress.report('storing', STORED_AT);
  const version = job.jobId ?? options.newId();
  const stored = await options.store.put({
    key:
      trustedStoragePath(job.storagePath) ??
      audioKey({ userId: job.userId, storyId: job.storyId ?? 'unknown', language: job.language, version }),
    bytes: narration.mp3,
    contentType: 'audio/mpeg',
    metadata: {
      storyId: job.storyId,
      jobId: job.jobId,
      userId: job.userId,
      voiceId: narration.voiceId,
      language: job.language,
      engine: narration.engine,
      durationMs: narration.durationMs,
    },
  });
  return { narration, stored };
};

const subjectOf = (identity: JobIdentity): Subject & { readonly storyId: string } => ({
  storyId: identity.storyId ?? 'unknown',
  jobId: identity.jobId,
  userId: identity.userId,
  voiceId: identity.voiceId,
});

/** The handler: check, speak, keep, tell. */
export const createHandler = (options: HandlerOptions): Handler => {
  const fail = async (
    identity: JobIdentity,
    error: TalebackError,
    startedAt: number,
    job: NarrationJob | undefined,
  ): Promise<HandlerResult> => {
    const generationTime = (options.now() - startedAt) / 1000;
    const { storyId, jobId, callbackUrl } = identity;
    options.log('warn', 'narration failed', { storyId, jobId, code: error.code, error: error.message });
    if (callbackUrl !== undefined) {
      const metadata = {
        language: job?.language,
        story_type: job?.storyType,
        story_name: job?.storyName,
        voice_name: job?.voiceName,
        text_length: job?.text.length,
        generation_time: generationTime,
        worker_id: options.workerId,
      };
      await notifySafely(() =>
        notifyErrorCallback(
          options.callbacks,
          callbackUrl,
          subjectOf(identity),
          reportError(error),
          metadata,
        ),
      );
    }
    return {
      status: 'error',
      error: error.message,
      error_type: error.code,
      retryable: error.retryable,
      generation_time: generationTime,
    };
  };

  /** An address that is none, or a client that breaks, must not cost the job. */
  const notifySafely = async (notify: () => Promise<unknown>): Promise<void> => {
    try {
      await notify();
    } catch (error) {
      options.log('error', 'callback could not be sent', { error: toTalebackError(error).message });
    }
  };

  const succeed = async (job: NarrationJob, made: Made, startedAt: number): Promise<HandlerResult> => {
    const { narration, stored } = made;
    const generationTime = (options.now() - startedAt) / 1000;
    const { callbackUrl } = job;
    if (callbackUrl !== undefined) {
      const subject = subjectOf(job);
      const payload = successPayload(job, narration, stored, { generationTime, workerId: options.workerId });
      await notifySafely(async () => {
        const delivery = await notifySuccessCallback(options.callbacks, callbackUrl, subject, payload);
        if (delivery.kind === 'delivered') return;
        const details =
          delivery.kind === 'refused' ? `answered ${delivery.status}: ${delivery.excerpt}` : delivery.cause;
        const report = {
          code: 'callback_undeliverable' as const,
          message: 'The audio is ready but the success callback was not accepted',
          details,
          retryable: true,
        };
        await notifyErrorCallback(options.callbacks, callbackUrl, subject, report, { audio_url: stored.url });
      });
    }
    return {
      status: 'success',
      audio_url: stored.url,
      storage_path: stored.key,
      duration_ms: narration.durationMs,
      generation_time: generationTime,
    };
  };

  return async (event, signal) => {
    const startedAt = options.now();
    const parsed = parseEvent(event);
    if (!parsed.ok) return fail(parsed.identity, parsed.error, startedAt, undefined);
    const { job } = parsed;
    options.log('info', 'narration begins', {
      storyId: job.storyId,
      jobId: job.jobId,
      characters: job.text.length,
    });
    const progress = openReporter(job, options);
    let made: Made;
    try {
      made = await make(job, progress, options, signal);
    } catch (error) {
      await progress.close();
      if (signal.aborted) throw error;
      return fail(job, toTalebackError(error), startedAt, job);
    }
    await progress.close();
    return succeed(job, made, startedAt);
  };
};

/** Reports go out only for a job whose story, id and callback address are known and usable. */
const openReporter = (job: NarrationJob, options: HandlerOptions): ProgressReporter => {
  const { callbackUrl, jobId, storyId } = job;
  if (callbackUrl === undefined || jobId === undefined || storyId === undefined) return silentReporter;
  try {
    return createProgressReporter(options.callbacks, callbackUrl, { ...subjectOf(job), jobId }, options.now);
  } catch {
    return silentReporter;
  }
};
