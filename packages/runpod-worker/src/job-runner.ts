import { type Clock, type Random, retry, wait } from '@taleback/resilience';
import { JobProgress } from './job-progress.ts';
import { errorText, type RunpodLog } from './log.ts';
import { ABORT_GRACE_MS, CHUNK_TRIES, RESULT_BACKOFF } from './pacing.ts';
import { type Platform, resultAddress } from './platform.ts';
import { bodyOfReturned, bodyOfThrown, encodeResult, type ResultBody } from './result-body.ts';
import type { TakenJob } from './results.ts';
import { type HandlerEnd, type RunpodHandler, runHandler } from './run-handler.ts';
import type { JobUnderWay } from './under-way.ts';

export interface JobRunnerParts {
  readonly handler: RunpodHandler;
  readonly platform: Platform;
  readonly returnAggregateStream: boolean;
  readonly refreshWorker: boolean;
  readonly traceback: boolean;
  readonly maxResultBytes: number;
  /** Aborts when jobs under way have no more time, a little after their own signals. */
  readonly leaving: AbortSignal;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: RunpodLog;
}

/** What becomes of a job whose handler ended. */
export type JobEnd =
  | { readonly kind: 'result'; readonly url: string; readonly body: string; readonly stopPod: boolean }
  /** The platform stopped it: it wants no result. */
  | { readonly kind: 'stopped' };

const STOPPING_ERROR = 'The worker was stopped before the job was done.';

/** Settles some time after the worker leaves: a handler that ignores its signal is left behind. */
const givenUp = (leaving: AbortSignal, clock: Clock, over: AbortSignal): Promise<HandlerEnd> =>
  new Promise((resolve) => {
    const giveUp = (): void =>
      void wait(clock, ABORT_GRACE_MS, over).then(() => resolve({ kind: 'threw', error: STOPPING_ERROR }));
    if (leaving.aborted) giveUp();
    else leaving.addEventListener('abort', giveUp, { once: true, signal: over });
  });

/** Runs one job and makes its result. */
export class JobRunner {
  readonly #parts: JobRunnerParts;

  constructor(parts: JobRunnerParts) {
    this.#parts = parts;
  }

  async run({ job, workerId }: TakenJob, underWay: JobUnderWay): Promise<JobEnd> {
    if (underWay.abortedBy() === 'stopped-by-platform') return { kind: 'stopped' };
    const { handler, platform, clock, log, traceback } = this.#parts;
    const progressUrl = resultAddress(platform.settings, workerId, job.id, false);
    const progress = new JobProgress({
      post: (body, signal) =>
        platform.postProgress(progressUrl, job.id, body, AbortSignal.any([signal, underWay.signal])),
      jobId: job.id,
      clock,
      log,
    });
    const context = { signal: underWay.signal, progress: (value: unknown) => progress.report(value) };
    const running = runHandler(handler, job, context, {
      onChunk: (chunk) => this.#postChunk(job.id, chunk, underWay.signal),
      keepChunks: this.#keepsChunks,
      traceback,
    });
    const over = new AbortController();
    const end = await Promise.race([running, givenUp(this.#parts.leaving, clock, over.signal)]);
    over.abort();
    await progress.close();
    if (underWay.abortedBy() === 'stopped-by-platform') return { kind: 'stopped' };
    return this.#result(end, workerId, job.id, underWay);
  }

  /** Nothing of a stream is lost where the platform has no address for chunks. */
  get #keepsChunks(): boolean {
    const { returnAggregateStream, platform } = this.#parts;
    return returnAggregateStream || platform.settings.streamTemplate === undefined;
  }

  #result(end: HandlerEnd, workerId: string, jobId: string, underWay: JobUnderWay): JobEnd {
    const { platform, refreshWorker, maxResultBytes } = this.#parts;
    const isStream = end.kind === 'streamed' || end.kind === 'stream-broke';
    const body: ResultBody = {
      ...this.#bodyOf(end, underWay),
      ...(refreshWorker ? { stopPod: true as const } : {}),
    };
    return {
      kind: 'result',
      url: resultAddress(platform.settings, workerId, jobId, isStream),
      body: encodeResult(body, maxResultBytes),
      stopPod: body.stopPod === true,
    };
  }

  #bodyOf(end: HandlerEnd, underWay: JobUnderWay): ResultBody {
    const { settings } = this.#parts.platform;
    switch (end.kind) {
      case 'returned':
        return bodyOfReturned(end.value);
      case 'streamed':
        return { output: end.chunks };
      case 'stream-broke':
        return { error: end.error };
      case 'threw':
        if (underWay.abortedBy() === 'worker-stopping') return { error: STOPPING_ERROR };
        this.#parts.log('error', 'job failed', { jobId: underWay.id, error: errorText(end.error) });
        return bodyOfThrown(end.error, { ...settings, traceback: this.#parts.traceback });
      default:
        return end satisfies never;
    }
  }

  /** @throws the last fault when the platform takes the chunk in none of the tries. */
  async #postChunk(jobId: string, chunk: unknown, signal: AbortSignal): Promise<void> {
    const { platform, clock, random } = this.#parts;
    if (platform.settings.streamTemplate === undefined) return;
    const body = JSON.stringify({ output: chunk ?? null });
    const outcome = await retry(
      async () => {
        const asked = await platform.postChunk(jobId, body, signal);
        if (asked === undefined) return;
        if (asked.kind !== 'completed') throw new Error(`no answer: ${asked.kind}`);
        if (asked.value.status > 299) throw new Error(`answered ${asked.value.status}`);
      },
      {
        maxAttempts: CHUNK_TRIES,
        backoff: RESULT_BACKOFF,
        classify: () => ({ retryable: true }),
        clock,
        random,
        signal,
      },
    );
    if (outcome.kind !== 'succeeded') throw outcome.lastError;
  }
}
