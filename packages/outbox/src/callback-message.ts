/** JSON of a callback; what it is about keeps it in order. */
export interface CallbackPayload {
  readonly story_id: string;
  readonly job_id?: string | null;
  readonly [field: string]: unknown;
}

/** What is told in place of a message that cannot be delivered; its `error_details` become the cause. */
export interface Substitute {
  readonly url: string;
  readonly messageId: string;
  readonly payload: CallbackPayload;
}

export interface CallbackMessage {
  readonly url: string;
  /** The same for every try of one message; no dots. */
  readonly messageId: string;
  readonly payload: CallbackPayload;
  /** Sent when this message is finally refused or given up, so that the page can say something. */
  readonly substitute?: Substitute | undefined;
}

/** What became of a message. It is never thrown: a lost notification must not fail the job. */
export type Delivery =
  | {
      readonly kind: 'delivered';
      readonly attempts: number;
      /** The beginning of what the receiver said to it. Default: not known. */
      readonly excerpt?: string | undefined;
    }
  /** It lies on the disk and is sent until it is accepted, refused, or too old. */
  | { readonly kind: 'kept'; readonly attempts: number; readonly cause: string }
  /** The receiver will not take it, however often it is sent. */
  | { readonly kind: 'refused'; readonly status: number; readonly excerpt: string }
  /** No try got through. */
  | { readonly kind: 'undeliverable'; readonly attempts: number; readonly cause: string };

/** A delivery that came to a bad end. */
export type FailedDelivery = Extract<Delivery, { kind: 'refused' | 'undeliverable' }>;

export interface CallbackClient {
  /** Sends until it is accepted, refused, or given up; a client with an outbox answers sooner, with `kept`. */
  deliver(message: CallbackMessage, signal?: AbortSignal): Promise<Delivery>;
  /** Sends once: for news that the next one makes old. */
  deliverOnce(message: CallbackMessage, signal?: AbortSignal): Promise<Delivery>;
}

/** Whether anything can be posted there at all. */
export const isHttpUrl = (url: string): boolean =>
  URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);

/** Why a message did not arrive, in the words of the log and of `error_details`. */
export const describeFailure = (delivery: FailedDelivery): string =>
  delivery.kind === 'refused' ? `answered ${delivery.status}: ${delivery.excerpt}` : delivery.cause;
