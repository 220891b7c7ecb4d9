import { signHmac, signStandard } from '@taleback/core/signatures';

const ADDRESS_REFUSED = 'callback_address_refused';

/** A callback address leads into a network that receivers have no business in. */
export class AddressRefusedError extends Error {
  readonly code = ADDRESS_REFUSED;

  constructor(host: string) {
    super(`callback_url: ${host} is not a public address; ALLOW_PRIVATE_CALLBACKS=on allows it`);
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

/** Why an attempt failed. */
export const causeOf = (outcome: Exclude<TryOutcome, { kind: 'accepted' }>): string =>
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
    return {
      ...(secrets.length === 0
        ? {}
        : signStandard({ id, timestampSeconds: timestampMs / 1000, body }, secrets)),
      ...(hmac === undefined
        ? {}
        : signHmac({ method: 'POST', path, timestampMs, body }, hmac.secret, hmac.prefix)),
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
      const cause = error instanceof Error ? error.message : String(error);
      return { kind: isRefused ? 'address-refused' : 'unanswered', cause };
    }
  };
};
