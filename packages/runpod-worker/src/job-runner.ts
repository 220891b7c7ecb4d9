import { type Clock, retry, wait } from '@taleback/resilience';
import { errorText } from './log.ts';
import {
  ABORT_GRACE_MS,
  CHUNK_TIMEOUT_MS,
  CHUNK_TRIES,
  LAST_PROGRESS_MS,
  PROGRESS_TIMEOUT_MS,
  RESULT_BACKOFF,
} from './pacing.ts';
import { chunkAddress, type JobPost, type PlatformAccess, resultAddress } from './platform.ts';
import { encodeResult } from './result-body.ts';
import type { TakenJob } from './results.ts';
import { type HandlerEnd, type RunpodHandler, runHandler } from './run-handler.ts';
import { abortCauseOf } from './under-way.ts';

export interface JobRunnerParts extends PlatformAccess {
  readonly handler: RunpodHandler;
  readonly returnAggregateStream: boolean;
  readonly refreshWorker: boolean;
  readonly traceback: boolean;
  readonly maxResultBytes: number;
  /** Aborts when jobs under way have no more time, a little after their own signals. */
  readonly leaving: AbortSignal;
}

export interface JobEnd {
  readonly url: string;
  readonly body: string;
  readonly stopPod: boolean;
}

const STOPPED: HandlerEnd = {
  body: { error: 'The worker was stopped before the job was done.' },
  isStream: false,
};

/** Settles some time after the worker leaves: a handler that ignores its signal is left behind. */
const givenUp = (leaving: AbortSignal, clock: Clock, over: AbortSignal): Promise<HandlerEnd> =>
  new Promise((resolve) => {
    const giveUp = (): void => void wait(clock, ABORT_GRACE_MS, over).then(() => resolve(STOPPED));
    if (leaving.aborted) giveUp();
    else leaving.addEventListener('abort', giveUp, { once: true, signal: over });
  });

/**
 * The progress of one job, in order: one update on its way at a time, and the newest of those that came meanwhile after
 * it. Progress and result share one address over there, so nothing may follow the result.
 */
const createProgress = (
  post: Omit<JobPost, 'body' | 'signal'>,
  jobSignal: AbortSignal,
  { platform, clock, log }: JobRunnerParts,
) => {
  const ending = new AbortController();
  const signal = AbortSignal.any([ending.signal, jobSignal]);
  let waiting: string | undefined;
  let sending: Promise<void> | undefined;
  let isClosed = false;

  const missed = (error: unknown): void =>
    log('warn', 'progress not reported', { jobId: post.jobId, error: errorText(error) });
  const send = async (): Promise<void> => {
    for (let body = waiting; body !== undefined && !ending.signal.aborted; body = waiting) {
      waiting = undefined;
      await platform.post({ ...post, body, signal }).catch(missed);
    }
    sending = undefined;
  };
  return {
    report: (value: unknown): void => {
      if (isClosed) return;
      try {
        waiting = JSON.stringify({ status: 'IN_PROGRESS', output: value ?? null });
      } catch (error) {
        return missed(error);
      }
      sending ??= send();
    },
    /** Resolves when nothing is on its way; an update that is not answered in time is given up. */
    close: async (): Promise<void> => {
      isClosed = true;
      const cancelTimer = clock.setTimer(() => ending.abort(), LAST_PROGRESS_MS);
      await sending;
      cancelTimer();
    },
  };
};

/** @throws the last fault when the platform takes the chunk in none of the tries */
const postChunk = async (
  jobId: string,
  chunk: unknown,
  { platform, clock, random }: JobRunnerParts,
  signal: AbortSignal,
): Promise<void> => {
  const url = chunkAddress(platform.settings, jobId);
  if (url === undefined) return;
  const body = JSON.stringify({ output: chunk ?? null });
  const post = async (): Promise<void> => {
    const asked = await platform.post({ url, jobId, body, timeoutMs: CHUNK_TIMEOUT_MS, signal });
    if (asked.kind !== 'completed') throw new Error(`no answer: ${asked.kind}`);
    if (asked.value.status > 299) throw new Error(`answered ${asked.value.status}`);
  };
  const policy = { maxAttempts: CHUNK_TRIES, backoff: RESULT_BACKOFF, clock, random, signal };
  const outcome = await retry(post, { ...policy, classify: () => ({ retryable: true }) });
  if (outcome.kind !== 'succeeded') throw outcome.lastError;
};

/** Runs one job and makes its result; undefined when the platform stopped it: it wants none. */
export const runJob = async (
  { job, workerId }: TakenJob,
  signal: AbortSignal,
  parts: JobRunnerParts,
): Promise<JobEnd | undefined> => {
  const { handler, platform, refreshWorker, maxResultBytes, clock, log } = parts;
  const { settings } = platform;
  const isStopped = (): boolean => abortCauseOf(signal) === 'stopped-by-platform';
  if (isStopped()) return undefined;
  const progressPost = {
    url: resultAddress(settings, workerId, job.id, false),
    jobId: job.id,
    timeoutMs: PROGRESS_TIMEOUT_MS,
  };
  const progress = createProgress(progressPost, signal, parts);
  const running = runHandler(handler, {
    job,
    context: { signal, progress: progress.report },
    onChunk: (chunk) => postChunk(job.id, chunk, parts, signal),
    // Nothing of a stream is lost where the platform has no address for chunks.
    keepChunks: parts.returnAggregateStream || settings.streamTemplate === undefined,
    hostname: settings.hostname,
    workerId: settings.workerId,
    traceback: parts.traceback,
  });
  const over = new AbortController();
  let end = await Promise.race([running, givenUp(parts.leaving, clock, over.signal)]);
  over.abort();
  await progress.close();
  if (isStopped()) return undefined;
  if (end.thrown !== undefined && abortCauseOf(signal) === 'worker-stopping') end = STOPPED;
  if (end.thrown !== undefined)
    log('error', 'job failed', { jobId: job.id, error: errorText(end.thrown.error) });
  const body = refreshWorker ? { ...end.body, stopPod: true as const } : end.body;
  return {
    url: resultAddress(settings, workerId, job.id, end.isStream),
    body: encodeResult(body, maxResultBytes),
    stopPod: body.stopPod === true,
  };
};
