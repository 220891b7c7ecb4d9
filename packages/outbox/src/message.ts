import { errorWords } from '@taleback/core';
import { signHmac, signStandard } from '@taleback/core/signatures';

/** What is sent in place of a message that is finally refused or given up. */
export interface Substitute {
  readonly url: string;
  /** The same for every attempt: receivers recognise duplicates by it. 1 to 200 printable letters, no dots. */
  readonly messageId: string;
  /** JSON text, posted as it is. */
  readonly body: string;
}

export interface OutboxMessage extends Substitute {
  /** Messages of one lane to one receiver are sent in order. Default: a lane of its own. */
  readonly lane?: string | undefined;
  readonly substitute?: Substitute | undefined;
}

/** What became of a message. It is never thrown: a lost notification must not fail the job. */
export type Delivery =
  /** `excerpt` is the beginning of the answer, if it is known. */
  | { readonly kind: 'delivered'; readonly attempts: number; readonly excerpt?: string | undefined }
  /** It is on the disk and is sent until it is accepted, refused, or too old. */
  | { readonly kind: 'kept'; readonly attempts: number; readonly cause: string }
  /** The receiver will not take it, however often it is sent. */
  | { readonly kind: 'refused'; readonly status: number; readonly excerpt: string }
  /** No attempt got through. */
  | { readonly kind: 'undeliverable'; readonly attempts: number; readonly cause: string };

export type FailedDelivery = Extract<Delivery, { kind: 'refused' | 'undeliverable' }>;

/** A message that is on the disk and has not been tried. */
export const keptUntried = (cause: string): Delivery => ({ kind: 'kept', attempts: 0, cause });

/**
 * Why a message did not arrive, for the log and for `error_details`.
 *
 * @example
 * console.log(describeFailure({ kind: 'refused', status: 422, excerpt: 'no story_id' })); // answered 422: no story_id
 */
export const describeFailure = (delivery: FailedDelivery): string =>
  delivery.kind === 'refused' ? `answered ${delivery.status}: ${delivery.excerpt}` : delivery.cause;

/**
 * Whether anything can be posted there at all.
 *
 * @example
 * console.log(isHttpUrl('https://a.example/callback'), isHttpUrl('javascript:1')); // true false
 */
export const isHttpUrl = (url: string): boolean =>
  URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);

/**
 * What a message is called in the log: operators search it for `error callback`.
 *
 * @see docs/origins.md#log-words
 */
export const nounOf = (url: string, noun: string): string =>
  noun === 'callback' && /\/error-callback(?:[/?#]|$)/.test(url) ? 'error callback' : noun;

/** A job's messages stay in order; where no job is named, a story's do. */
export const laneOf = (payload: object, messageId: string): string => {
  const { job_id: jobId, story_id: storyId } = payload as { job_id?: unknown; story_id?: unknown };
  if (typeof jobId === 'string') return `job ${jobId}`;
  return typeof storyId !== 'string' || storyId === 'unknown' ? `message ${messageId}` : `story ${storyId}`;
};

/** What became of final callbacks since the start. */
export interface OutboxCounts {
  readonly delivered: number;
  /** Answered with what no further attempt changes. */
  readonly refused: number;
  /** Not accepted before their deadline. */
  readonly expired: number;
  /** Unreadable, or given up while the store would not take them. */
  readonly setAside: number;
  /** Sent directly, because the outbox could not be written. */
  readonly sentWithout: number;
}

export type Counts = { -readonly [Name in keyof OutboxCounts]: number };

const ADDRESS_REFUSED = 'callback_address_refused';

/** A callback address leads into a network that receivers have no business in, or is public and not encrypted. */
export class AddressRefusedError extends Error {
  readonly code = ADDRESS_REFUSED;

  constructor(host: string, fault: 'private' | 'plain-http' = 'private') {
    super(
      fault === 'private'
        ? `callback_url: ${host} is not a public address; ALLOW_PRIVATE_CALLBACKS=on allows it`
        : `callback_url: ${host} is public and must be called with https; ALLOW_PLAIN_HTTP_CALLBACKS=on allows http`,
    );
    this.name = 'AddressRefusedError';
  }
}

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

/** The hex HMAC of older receivers. It has room for one signature, so one secret signs. */
export interface HmacSigning {
  readonly secret: string;
  /** The word in `x-<prefix>-timestamp` and `x-<prefix>-signature`. */
  readonly prefix: string;
}

export interface SendOptions {
  readonly post: Post;
  /** Keys of Standard Webhooks; each signs. None leaves its headers out. */
  readonly secrets: readonly Uint8Array[];
  /** Absent leaves its headers out. */
  readonly hmac?: HmacSigning | undefined;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** How one attempt ended. */
export type TryOutcome =
  | { readonly kind: 'accepted'; readonly excerpt?: string | undefined }
  /** Answered with anything but 2xx. */
  | ({ readonly kind: 'not-accepted' } & PostAnswer)
  /** No answer, or none that was whole. */
  | { readonly kind: 'unanswered'; readonly cause: string }
  /** The address is not one that we send to; nothing was sent. */
  | { readonly kind: 'address-refused'; readonly cause: string };

export interface Sendable {
  readonly url: string;
  readonly messageId: string;
  readonly body: Uint8Array;
}

/** One attempt. It never rejects. */
export type SendOnce = (message: Sendable, signal?: AbortSignal) => Promise<TryOutcome>;

export type FailedTry = Exclude<TryOutcome, { kind: 'accepted' }>;

/** Why an attempt failed. */
export const causeOf = (outcome: FailedTry): string =>
  outcome.kind === 'not-accepted' ? `answered ${outcome.status}: ${outcome.excerpt}` : outcome.cause;

/**
 * Makes the sender of single attempts. Each attempt gets a new signature, because a timestamp belongs to one attempt.
 *
 * @example
 * const http = createHttpPost({ allowPrivate: false });
 * const sendOnce = createSendOnce({ post: http.post, secrets: [Buffer.alloc(24, 1)], now: Date.now });
 * const message = { url: 'http://127.0.0.1/hook', messageId: 'ready_1', body: Buffer.from('{}') };
 * console.log((await sendOnce(message)).kind); // address-refused
 * await http.close();
 */
export const createSendOnce = ({ post, secrets, hmac, now }: SendOptions): SendOnce => {
  const sign = ({ url, messageId: id, body }: Sendable): Record<string, string> => {
    const timestampMs = now();
    const path = new URL(url).pathname;
    const parts = { id, timestampSeconds: timestampMs / 1000, body };
    return {
      ...(secrets.length > 0 && signStandard(parts, secrets)),
      ...(hmac && signHmac({ method: 'POST', path, timestampMs, body }, hmac.secret, hmac.prefix)),
    };
  };
  return async (message, signal) => {
    try {
      const headers = { 'content-type': 'application/json', ...sign(message) };
      const answer = await post(message.url, headers, message.body, signal);
      const isAccepted = answer.status >= 200 && answer.status <= 299;
      return isAccepted ? { kind: 'accepted', excerpt: answer.excerpt } : { kind: 'not-accepted', ...answer };
    } catch (error) {
      const isRefused = (error as { code?: unknown } | null)?.code === ADDRESS_REFUSED;
      return { kind: isRefused ? 'address-refused' : 'unanswered', cause: errorWords(error) };
    }
  };
};
