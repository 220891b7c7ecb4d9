import { TalebackError } from '@taleback/core';
import { signStandard } from '@taleback/core/signatures';
import { type Classification, classifyHttpStatus, type RetryPolicy, retry } from '@taleback/resilience';
import type { Log } from '../observe/index.ts';
import type { CallbackPayload } from './payloads.ts';

export interface PostAnswer {
  readonly status: number;
  /** The header as it came. */
  readonly retryAfter: string | undefined;
  /** The beginning of the answer's body, for the log. */
  readonly excerpt: string;
}

/** Sends one request, follows no redirect, and rejects when no answer came. */
export type Post = (
  url: string,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
  signal: AbortSignal | undefined,
) => Promise<PostAnswer>;

export interface CallbackClientOptions {
  readonly post: Post;
  /** Keys to sign with; none sends unsigned. */
  readonly secrets: readonly Uint8Array[];
  readonly retry: RetryPolicy;
  readonly log: Log;
  /** Unix milliseconds. */
  readonly now: () => number;
}

export interface CallbackMessage {
  readonly url: string;
  /** The same for every try of one message; no dots. */
  readonly messageId: string;
  readonly payload: CallbackPayload;
}

/** What became of a message. It is never thrown: a lost notification must not fail the job. */
export type Delivery =
  | { readonly kind: 'delivered'; readonly attempts: number }
  /** The receiver will not take it, however often it is sent. */
  | { readonly kind: 'refused'; readonly status: number; readonly excerpt: string }
  /** No try got through. */
  | { readonly kind: 'undeliverable'; readonly attempts: number; readonly cause: string };

export interface CallbackClient {
  /** Sends until it is accepted, refused, or the tries are spent. */
  deliver(message: CallbackMessage, signal?: AbortSignal): Promise<Delivery>;
  /** Sends once: for news that the next one makes old. */
  deliverOnce(message: CallbackMessage, signal?: AbortSignal): Promise<Delivery>;
}

class NotAccepted extends TalebackError {
  readonly answer: PostAnswer;

  constructor(answer: PostAnswer) {
    super('callback_undeliverable', `answered ${answer.status}: ${answer.excerpt}`);
    this.answer = answer;
  }
}

/** No answer at all is worth another try; an answer by its status. */
const classify = (error: unknown, nowMs: number): Classification =>
  error instanceof NotAccepted
    ? classifyHttpStatus(error.answer.status, error.answer.retryAfter, nowMs)
    : { retryable: true };

const isHttpUrl = (url: string): boolean => URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);

const describe = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The signed-callback client: every try is signed anew, because a timestamp is of one try. */
export const createCallbackClient = (options: CallbackClientOptions): CallbackClient => {
  const sendOnce = async (
    { url, messageId, payload }: CallbackMessage,
    signal?: AbortSignal,
  ): Promise<void> => {
    const body = Buffer.from(JSON.stringify(payload));
    const signed =
      options.secrets.length === 0
        ? {}
        : signStandard({ id: messageId, timestampSeconds: options.now() / 1000, body }, options.secrets);
    const answer = await options.post(url, { 'content-type': 'application/json', ...signed }, body, signal);
    if (answer.status < 200 || answer.status > 299) throw new NotAccepted(answer);
  };

  const deliverWith = async (
    message: CallbackMessage,
    policy: RetryPolicy,
    signal: AbortSignal | undefined,
  ): Promise<Delivery> => {
    if (!isHttpUrl(message.url))
      return { kind: 'undeliverable', attempts: 0, cause: 'callback_url: is not an http or https address' };
    const outcome = await retry(({ signal: attemptSignal }) => sendOnce(message, attemptSignal), {
      ...policy,
      classify: (error) => classify(error, options.now()),
      ...(signal === undefined ? {} : { signal }),
    });
    if (outcome.kind === 'succeeded') return { kind: 'delivered', attempts: outcome.attempts };
    if (outcome.kind === 'not-retryable' && outcome.lastError instanceof NotAccepted) {
      const { status, excerpt } = outcome.lastError.answer;
      return { kind: 'refused', status, excerpt };
    }
    return { kind: 'undeliverable', attempts: outcome.attempts, cause: describe(outcome.lastError) };
  };

  return {
    deliver: async (message, signal) => {
      const delivery = await deliverWith(message, options.retry, signal);
      const about = { url: message.url, messageId: message.messageId, ...delivery };
      if (delivery.kind === 'delivered') options.log('info', 'callback delivered', about);
      else options.log('error', 'callback not delivered', about);
      return delivery;
    },
    deliverOnce: (message, signal) => deliverWith(message, { ...options.retry, maxAttempts: 1 }, signal),
  };
};
