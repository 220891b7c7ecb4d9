import { type ErrorCode, type TalebackError, toTalebackError } from '@taleback/core';
import { audioKey, trustedStoragePath } from '@taleback/core/storage';
import type { Priority } from '@taleback/resilience';
import { type JobIdentity, type NarrationJob, parseEvent, type VoiceStyle } from './parse-event.ts';
import { type PreflightOptions, preflight } from './preflight.ts';
import { createProgressReporter } from './progress.ts';
import {
  type Narration,
  type ReportOptions,
  reportFailure,
  reportSuccess,
  type StoredAudio,
} from './report.ts';

export interface NarrationRequest<Recording> {
  readonly text: string;
  readonly voiceId: string;
  /** BCP 47. */
  readonly language: string;
  readonly speed: number | undefined;
  readonly pauseScale: number | undefined;
  /** Of a person's own voice; `voiceId` is then only its name. */
  readonly recording: Recording | undefined;
  readonly style: VoiceStyle | undefined;
  /** Whether another voice may read when the person's own cannot. */
  readonly allowsOtherVoice: boolean;
}

export interface NarrationOptions {
  readonly signal: AbortSignal;
  readonly priority: Priority | undefined;
  /** Requests of one tenant do not delay those of others. */
  readonly tenant: string | undefined;
  /** The story; what only it has used is removed from caches with it. */
  readonly owner: string | undefined;
  /** Called with the finished part, 0 to 1, never going back. */
  readonly onProgress: (fraction: number) => void;
}

export interface AudioObject {
  readonly key: string;
  readonly bytes: Uint8Array;
  readonly contentType: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

export interface HandlerOptions<Recording> extends ReportOptions {
  readonly preflight: PreflightOptions<Recording>;
  readonly narrate: (request: NarrationRequest<Recording>, options: NarrationOptions) => Promise<Narration>;
  readonly store: (audio: AudioObject) => Promise<StoredAudio>;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** A unique id, for the audio of a job that has none. */
  readonly newId: () => string;
}

/** What the handler returns to the source of the job; the fields of the source handlers. */
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

/**
 * Handles one event, whatever its source. It resolves however the job ends; it rejects only when the signal aborted
 * it, so that another worker can take the job.
 */
export type Handler = (event: unknown, signal: AbortSignal) => Promise<HandlerResult>;

/** Shares of the whole that are reported before and after the speaking itself. */
const SPOKEN_FROM = 0.05;
const SPOKEN_TO = 0.9;
const STORED_AT = 0.95;

const keyFor = (
  { storagePath, userId, storyId, language, jobId }: NarrationJob,
  newId: () => string,
): string =>
  trustedStoragePath(storagePath) ??
  audioKey({ userId, storyId: storyId ?? 'unknown', language, version: jobId ?? newId() });

/**
 * Makes the handler: parse, check, narrate, store, report.
 *
 * @example
 * const handle = createHandler({ preflight, narrate, store, callbacks, workerId, log, now: Date.now, newId: randomUUID });
 * const result = await handle({ id: 'j1', input: { text: 'Once.', voice_id: 'slt' } }, signal);
 */
export const createHandler = <Recording>(options: HandlerOptions<Recording>): Handler => {
  const { log, now } = options;
  const secondsSince = (startedAtMs: number): number => (now() - startedAtMs) / 1000;

  const fail = async (
    identity: JobIdentity | NarrationJob,
    error: TalebackError,
    startedAtMs: number,
  ): Promise<HandlerResult> => {
    const { storyId, jobId } = identity;
    const { code, message, retryable } = error;
    const generationTime = secondsSince(startedAtMs);
    log('warn', 'narration failed', { storyId, jobId, code, error: message });
    await reportFailure(options, identity, error, generationTime);
    return { status: 'error', error: message, error_type: code, retryable, generation_time: generationTime };
  };

  return async (event, signal) => {
    const startedAtMs = now();

    // 1. Parse the event.
    const parsed = parseEvent(event);
    if (!parsed.ok) return fail(parsed.identity, parsed.error, startedAtMs);
    const { job } = parsed;
    const { storyId, jobId, userId, text, voiceId, language } = job;
    const { speed, pauseScale, style, allowsOtherVoice, priority } = job;
    log('info', 'narration begins', { storyId, jobId, characters: text.length });

    const progress = createProgressReporter(options.callbacks, job, now);
    const { unwanted } = progress;
    // By hand: `AbortSignal.any` leaves something behind in a signal that lives as long as the process.
    const stop = new AbortController();
    const passOn = (): void => stop.abort(signal.reason);
    signal.addEventListener('abort', passOn, { once: true });
    if (signal.aborted) passOn();
    unwanted.addEventListener('abort', () => stop.abort(unwanted.reason));
    let made: { readonly narration: Narration; readonly stored: StoredAudio };
    try {
      // 2. Check it, before anything is spent.
      progress.report('checking', 0);
      const recording = await preflight(job, options.preflight, stop.signal);

      // 3. Narrate.
      progress.report('synthesizing', SPOKEN_FROM);
      const narration = await options.narrate(
        { text, voiceId, language, speed, pauseScale, recording, style, allowsOtherVoice },
        {
          signal: stop.signal,
          priority,
          // One person's book must not delay the bedtime stories of all others.
          tenant: userId,
          owner: storyId,
          onProgress: (fraction) =>
            progress.report('synthesizing', SPOKEN_FROM + fraction * (SPOKEN_TO - SPOKEN_FROM)),
        },
      );

      // 4. Store.
      progress.report('storing', STORED_AT);
      const { bytes, engine, durationMs } = narration;
      const stored = await options.store({
        key: keyFor(job, options.newId),
        bytes,
        contentType: 'audio/mpeg',
        metadata: { storyId, jobId, userId, voiceId: narration.voiceId, language, engine, durationMs },
      });
      made = { narration, stored };
    } catch (thrown) {
      await progress.close();
      if (signal.aborted) throw thrown;
      const error: unknown = unwanted.aborted ? unwanted.reason : thrown;
      return fail(job, toTalebackError(error), startedAtMs);
    } finally {
      signal.removeEventListener('abort', passOn);
    }
    await progress.close();

    // 5. Report.
    const generationTime = secondsSince(startedAtMs);
    await reportSuccess(options, job, made, generationTime);
    return {
      status: 'success',
      audio_url: made.stored.url,
      storage_path: made.stored.key,
      duration_ms: made.narration.durationMs,
      generation_time: generationTime,
    };
  };
};
