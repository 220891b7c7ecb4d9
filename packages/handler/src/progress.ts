import { deriveProgressUrl, saysStoryDeleted, TalebackError } from '@taleback/core';
import type { NarrationJob } from './parse-event.ts';
import { type CallbackClient, messageIdOf } from './report.ts';

export interface ProgressReporter {
  /** Aborted, with a TalebackError, when the receiver answers that this narration is no longer needed. */
  readonly unwanted: AbortSignal;
  /** Queues a new state; it replaces one that was not sent yet. */
  report(stage: string, progress: number): void;
  /**
   * Stops, and resolves when nothing is on its way, so that no progress arrives after the end. It waits a second at
   * most for a receiver that does not answer, which has to ignore what it reads later.
   */
  close(): Promise<void>;
}

/** Least time between two reports, in milliseconds: each costs a transaction. */
const REPORT_INTERVAL_MS = 500;
/** A state that stays the same is sent again: it renews the job's lease, which is two minutes. Milliseconds. */
const AGAIN_MS = 30_000;
/** For how long at most: a job that does not move for longer hangs, and its lease may end. Milliseconds. */
const AGAIN_FOR_MS = 900_000;
/** Longest wait for the answer to the last report, in milliseconds: it delays a finished job. */
const LAST_REPORT_MS = 1_000;

/** The answer to progress of a job whose story has a newer one, or has ended already. */
const UNWANTED = /"wanted"\s*:\s*false/;

const urlFor = (callbackUrl: string): string | undefined => {
  try {
    return deriveProgressUrl(callbackUrl);
  } catch {
    return undefined;
  }
};

/**
 * Sends progress one report at a time, the newest first, and the last one again while nothing new happens. A lost report
 * is not missed: the next one says more. Silent for a job whose story, id or callback address is not known.
 */
export const createProgressReporter = (
  client: CallbackClient,
  { storyId, jobId, callbackUrl }: Pick<NarrationJob, 'storyId' | 'jobId' | 'callbackUrl'>,
  now: () => number,
): ProgressReporter => {
  const url = callbackUrl === undefined ? undefined : urlFor(callbackUrl);
  const unwanted = new AbortController();
  if (url === undefined || jobId === undefined || storyId === undefined)
    return { unwanted: unwanted.signal, report: () => {}, close: () => Promise.resolve() };
  const closing = new AbortController();
  let isClosed = false;
  let waiting: { readonly stage: string; readonly progress: number } | undefined;
  let last: (NonNullable<typeof waiting> & { readonly atMs: number }) | undefined;
  let sending: Promise<void> | undefined;
  let sent = { stage: '', atMs: 0 };
  let repeating: NodeJS.Timeout | undefined;

  const sendWaiting = async (): Promise<void> => {
    while (waiting !== undefined) {
      const { stage, progress } = waiting;
      waiting = undefined;
      sent = { stage, atMs: now() };
      const payload = { story_id: storyId, job_id: jobId, stage, progress };
      const messageId = messageIdOf({ jobId, storyId }, `progress_${sent.atMs}`);
      const delivery = await client.deliverOnce({ url, messageId, payload }, closing.signal);
      const isUnwanted = delivery.kind === 'delivered' && UNWANTED.test(delivery.excerpt ?? '');
      if (isUnwanted || (delivery.kind === 'refused' && saysStoryDeleted(delivery.excerpt ?? '')))
        unwanted.abort(new TalebackError('job_cancelled', 'Nobody waits for this narration any more.'));
    }
    sending = undefined;
  };

  const send = (state: typeof waiting): void => {
    waiting = state;
    sending ??= sendWaiting();
  };
  const sendAgain = (): void => {
    if (last !== undefined && now() - last.atMs < AGAIN_FOR_MS) send(last);
  };

  return {
    unwanted: unwanted.signal,
    report: (stage, progress) => {
      if (isClosed) return;
      last = { stage, progress, atMs: now() };
      repeating ??= setInterval(sendAgain, AGAIN_MS);
      if (stage === sent.stage && now() - sent.atMs < REPORT_INTERVAL_MS) return;
      send(last);
    },
    close: async () => {
      isClosed = true;
      waiting = undefined;
      clearInterval(repeating);
      const timer = setTimeout(() => closing.abort(new Error('the job is over')), LAST_REPORT_MS);
      await sending;
      clearTimeout(timer);
    },
  };
};
