import { signHmac, signStandard } from '@taleback/core/signatures';
import { isAddressRefused } from './address-refused-error.ts';

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
  /** Keys of Standard Webhooks; each signs, none leaves its headers out. */
  readonly secrets: readonly Uint8Array[];
  /** Absent leaves its headers out. */
  readonly hmac?: HmacSigning | undefined;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** How one try ended. */
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

/** One try. It never rejects. */
export type SendOnce = (message: Sendable, signal?: AbortSignal) => Promise<TryOutcome>;

const describe = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Makes the sender of single tries: each is signed anew, because a timestamp is of one try. */
export const createSendOnce = ({ post, secrets, hmac, now }: SendOptions): SendOnce => {
  const sign = ({ url, messageId: id, body }: Sendable): Record<string, string> => {
    const timestampMs = now();
    return {
      ...(secrets.length === 0
        ? {}
        : signStandard({ id, timestampSeconds: timestampMs / 1000, body }, secrets)),
      ...(hmac === undefined
        ? {}
        : signHmac(
            { method: 'POST', path: new URL(url).pathname, timestampMs, body },
            hmac.secret,
            hmac.prefix,
          )),
    };
  };
  return async (message, signal) => {
    try {
      const headers = { 'content-type': 'application/json', ...sign(message) };
      const answer = await post(message.url, headers, message.body, signal);
      const isAccepted = answer.status >= 200 && answer.status <= 299;
      return isAccepted ? { kind: 'accepted', excerpt: answer.excerpt } : { kind: 'not-accepted', ...answer };
    } catch (error) {
      return { kind: isAddressRefused(error) ? 'address-refused' : 'unanswered', cause: describe(error) };
    }
  };
};
