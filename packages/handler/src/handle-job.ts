import { type TalebackError, toTalebackError } from '@taleback/core';
import {
  type CallbackClient,
  createProgressReporter,
  type ProgressReporter,
} from '@taleback/outbox/src/callbacks-index.ts';
import type { Narrate } from '@taleback/speech/src/chain/narrate.ts';
import type { Log } from '@taleback/core';
import type { Preflight } from './preflight-index.ts';
import { type AudioStore, audioKey, trustedStoragePath } from '@taleback/worker/src/storage/index.ts';
import { type JobIdentity, type NarrationJob, parseEvent } from './parse-event.ts';
import type { HandlerResult } from './result.ts';
import { type Made, subjectOf, type TellOptions, tellFailure, tellSuccess } from './tell-outcome.ts';

export interface HandlerOptions {
  readonly narrate: Narrate;
  readonly store: AudioStore;
  readonly callbacks: CallbackClient;
  /** Looks for trouble before anything is spent. */
  readonly preflight: Preflight;
  readonly workerId: string;
  /** See TellOptions. */
  readonly diagnoses?: TellOptions['diagnoses'];
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

/** Shares of the whole that are told before and after the speaking itself. */
const SPOKEN_FROM = 0.05;
const SPOKEN_TO = 0.9;
const STORED_AT = 0.95;

const silentReporter = (): ProgressReporter => ({
  unwanted: new AbortController().signal,
  report: () => {},
  close: () => Promise.resolve(),
});

/** Reports go out only for a job whose story, id and callback address are known and usable. */
const openReporter = (job: NarrationJob, options: HandlerOptions): ProgressReporter => {
  const { callbackUrl, jobId, storyId } = job;
  if (callbackUrl === undefined || jobId === undefined || storyId === undefined) return silentReporter();
  try {
    return createProgressReporter(options.callbacks, callbackUrl, { ...subjectOf(job), jobId }, options.now);
  } catch {
    return silentReporter();
  }
};

const keyFor = (job: NarrationJob, options: HandlerOptions): string =>
  trustedStoragePath(job.storagePath) ??
  audioKey({
    userId: job.userId,
    storyId: job.storyId ?? 'unknown',
    language: job.language,
    version: job.jobId ?? options.newId(),
  });

/**
 * Works with a signal that aborts with either. By hand: `AbortSignal.any` leaves something behind in a signal that lives as
 * long as the process.
 */
const untilEither = async <T>(
  one: AbortSignal,
  other: AbortSignal,
  work: (either: AbortSignal) => Promise<T>,
): Promise<T> => {
  const either = new AbortController();
  const passOne = (): void => either.abort(one.reason);
  const passOther = (): void => either.abort(other.reason);
  one.addEventListener('abort', passOne, { once: true });
  other.addEventListener('abort', passOther, { once: true });
  if (one.aborted) passOne();
  try {
    return await work(either.signal);
  } finally {
    one.removeEventListener('abort', passOne);
    other.removeEventListener('abort', passOther);
  }
};

/** Checks, speaks and keeps. */
const make = async (
  job: NarrationJob,
  progress: ProgressReporter,
  options: HandlerOptions,
  signal: AbortSignal,
): Promise<Made> => {
  progress.report('checking', 0);
  const { profile } = await options.preflight.check(job, signal);
  progress.report('synthesizing', SPOKEN_FROM);
  const {
    text,
    voiceId,
    language,
    speed,
    pauseScale,
    style,
    allowsOtherVoice,
    priority,
    userId: tenant,
  } = job;
  const narration = await options.narrate(
    { text, voiceId, language, speed, pauseScale, profile, style, allowsOtherVoice },
    {
      signal,
      priority,
      // One person's book must not keep everybody else's bedtime story waiting.
      tenant,
      onProgress: (fraction) =>
        progress.report('synthesizing', SPOKEN_FROM + fraction * (SPOKEN_TO - SPOKEN_FROM)),
    },
  );
  progress.report('storing', STORED_AT);
  const { storyId, jobId, userId } = job;
  const { engine, durationMs } = narration;
  const stored = await options.store.put({
    key: keyFor(job, options),
    bytes: narration.bytes,
    contentType: 'audio/mpeg',
    metadata: { storyId, jobId, userId, voiceId: narration.voiceId, language, engine, durationMs },
  });
  return { narration, stored };
};

/** The handler: check, speak, keep, tell. */
export const createHandler = (options: HandlerOptions): Handler => {
  const secondsSince = (startedAt: number): number => (options.now() - startedAt) / 1000;

  const fail = async (
    identity: JobIdentity,
    job: NarrationJob | undefined,
    error: TalebackError,
    startedAt: number,
  ): Promise<HandlerResult> => {
    const generationTime = secondsSince(startedAt);
    const { storyId, jobId } = identity;
    options.log('warn', 'narration failed', { storyId, jobId, code: error.code, error: error.message });
    await tellFailure(options, identity, job, error, generationTime);
    return {
      status: 'error',
      error: error.message,
      error_type: error.code,
      retryable: error.retryable,
      generation_time: generationTime,
    };
  };

  return async (event, signal) => {
    const startedAt = options.now();
    const parsed = parseEvent(event);
    if (!parsed.ok) return fail(parsed.identity, undefined, parsed.error, startedAt);
    const { job } = parsed;
    const { storyId, jobId } = job;
    options.log('info', 'narration begins', { storyId, jobId, characters: job.text.length });
    const progress = openReporter(job, options);
    let made: Made;
    try {
      made = await untilEither(signal, progress.unwanted, (either) => make(job, progress, options, either));
    } catch (thrown) {
      await progress.close();
      if (signal.aborted) throw thrown;
      const { unwanted } = progress;
      const error: unknown = unwanted.aborted ? unwanted.reason : thrown;
      return fail(job, job, toTalebackError(error), startedAt);
    }
    await progress.close();
    const generationTime = secondsSince(startedAt);
    await tellSuccess(options, job, made, generationTime);
    return {
      status: 'success',
      audio_url: made.stored.url,
      storage_path: made.stored.key,
      duration_ms: made.narration.durationMs,
      generation_time: generationTime,
    };
  };
};
