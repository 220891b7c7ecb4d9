import {
  deriveErrorCallbackUrl,
  deriveProgressUrl,
  type ErrorReport,
  TalebackError,
  toWellFormed,
} from '@taleback/core';
import type { CallbackClient, Delivery, Substitute } from '@taleback/outbox/src/callback-message.ts';
import type { SuccessPayload } from './payloads.ts';

/** Who a message is about. Everything but the story may be unknown to a handler. */
export interface Subject {
  readonly storyId: string;
  readonly jobId: string | undefined;
  readonly userId: string | undefined;
  readonly voiceId: string | undefined;
}

/** Idempotency key of a message. It travels in a header, so letters outside ASCII are encoded; dots are forbidden. */
const messageId = (subject: Subject, kind: string): string =>
  encodeURIComponent(toWellFormed(`${kind}_${subject.jobId ?? subject.storyId}`))
    .replaceAll('.', '-')
    .slice(0, 200);

/** An address that nothing can be derived from stays as it is: the client says that it leads nowhere. */
const errorUrlOf = (callbackUrl: string): string => {
  try {
    return deriveErrorCallbackUrl(callbackUrl);
  } catch {
    return callbackUrl;
  }
};

/** What is told of a failure, and how it came about. */
export interface Failure {
  readonly report: ErrorReport;
  readonly metadata: Readonly<Record<string, unknown>>;
}

const errorMessage = (callbackUrl: string, subject: Subject, { report, metadata }: Failure): Substitute => ({
  url: errorUrlOf(callbackUrl),
  messageId: messageId(subject, 'failed'),
  payload: {
    story_id: subject.storyId,
    error: report.message,
    error_details: report.details ?? null,
    user_id: subject.userId ?? null,
    voice_id: subject.voiceId ?? null,
    job_id: subject.jobId ?? null,
    metadata: { ...metadata, error_type: report.code, retryable: report.retryable },
  },
});

/**
 * Tells the receiver that the audio is ready.
 *
 * @param otherwise what the receiver is told, as a failure, when it will not take this
 */
export const notifySuccessCallback = (
  client: CallbackClient,
  callbackUrl: string,
  subject: Subject,
  payload: SuccessPayload,
  otherwise?: Failure,
): Promise<Delivery> =>
  client.deliver({
    url: callbackUrl,
    messageId: messageId(subject, 'ready'),
    payload,
    substitute: otherwise === undefined ? undefined : errorMessage(callbackUrl, subject, otherwise),
  });

/**
 * Tells the receiver that a narration failed, at the address derived from the success callback's. It never
 * throws and never fails the job: what became of the message is in the answer.
 *
 * @see seed 001, `notify_error_callback`
 */
export const notifyErrorCallback = (
  client: CallbackClient,
  callbackUrl: string,
  subject: Subject,
  report: ErrorReport,
  metadata: Readonly<Record<string, unknown>>,
  signal?: AbortSignal,
): Promise<Delivery> => client.deliver(errorMessage(callbackUrl, subject, { report, metadata }), signal);

export interface ProgressReporter {
  /** Aborted, with a TalebackError, when the receiver answers that nobody wants this narration any more. */
  readonly unwanted: AbortSignal;
  /** Puts a new state up for sending; one that nobody sent yet is replaced by it. */
  report(stage: string, progress: number): void;
  /**
   * Stops, and resolves when nothing is on its way, so that no progress arrives after the end. A receiver that does
   * not answer is waited for a second at most; what it reads after that it has to ignore.
   */
  close(): Promise<void>;
}

/** Least time between two reports, in milliseconds: each costs a transaction. */
const REPORT_INTERVAL_MS = 500;
/** A state that stays as it is is told again: it renews the job's lease, which is two minutes. Milliseconds. */
const AGAIN_MS = 30_000;
/** For how long at most: what stands still for longer hangs, and the lease of its job may end. Milliseconds. */
const AGAIN_FOR_MS = 900_000;
/** Longest wait for the answer to the last report, in milliseconds: time that a finished job spends on its way. */
const LAST_REPORT_MS = 1_000;

/** What a receiver says to the progress of a job whose story has a newer one, or is told already. */
const UNWANTED = /"wanted"\s*:\s*false/;

/**
 * Sends progress one at a time, the newest first, and the last one again while nothing new happens. A lost report is not
 * missed: the next one says more.
 */
export const createProgressReporter = (
  client: CallbackClient,
  callbackUrl: string,
  subject: Subject & { readonly jobId: string },
  now: () => number,
): ProgressReporter => {
  const url = deriveProgressUrl(callbackUrl);
  const closing = new AbortController();
  const leaving = new AbortController();
  let isClosed = false;
  let waiting: { readonly stage: string; readonly progress: number } | undefined;
  let last: (NonNullable<typeof waiting> & { readonly atMs: number }) | undefined;
  let sending: Promise<void> | undefined;
  let sent = { stage: '', at: 0 };
  let again: NodeJS.Timeout | undefined;

  const sendWaiting = async (): Promise<void> => {
    while (waiting !== undefined) {
      const { stage, progress } = waiting;
      waiting = undefined;
      sent = { stage, at: now() };
      const payload = { story_id: subject.storyId, job_id: subject.jobId, stage, progress };
      const delivery = await client.deliverOnce(
        { url, messageId: messageId(subject, `progress_${sent.at}`), payload },
        closing.signal,
      );
      if (delivery.kind === 'delivered' && UNWANTED.test(delivery.excerpt ?? '')) {
        leaving.abort(new TalebackError('job_cancelled', 'Nobody waits for this narration any more.'));
      }
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
    unwanted: leaving.signal,
    report: (stage, progress) => {
      if (isClosed) return;
      last = { stage, progress, atMs: now() };
      again ??= setInterval(sendAgain, AGAIN_MS);
      if (stage === sent.stage && now() - sent.at < REPORT_INTERVAL_MS) return;
      send(last);
    },
    close: async () => {
      isClosed = true;
      waiting = undefined;
      clearInterval(again);
      const timer = setTimeout(() => closing.abort(new Error('the job is over')), LAST_REPORT_MS);
      await sending;
      clearTimeout(timer);
    },
  };
};
