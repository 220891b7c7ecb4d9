/** What is sent in place of a message that is finally refused or given up. */
export interface Substitute {
  readonly url: string;
  readonly messageId: string;
  /** JSON text. */
  readonly body: string;
}

/** A message as the outbox keeps it. */
export interface OutboxMessage {
  readonly url: string;
  /** The same for every attempt: receivers recognise duplicates by it. 1 to 200 printable letters, no dots. */
  readonly messageId: string;
  /** JSON text, posted as it is. */
  readonly body: string;
  /** Messages of one lane to one receiver are sent in order. Default: a lane of its own. */
  readonly lane?: string | undefined;
  readonly substitute?: Substitute | undefined;
}

/** What became of a message. It is never thrown: a lost notification must not fail the job. */
export type Delivery =
  | {
      readonly kind: 'delivered';
      readonly attempts: number;
      /** The beginning of the answer. Default: not known. */
      readonly excerpt?: string | undefined;
    }
  /** It is on the disk and is sent until it is accepted, refused, or too old. */
  | { readonly kind: 'kept'; readonly attempts: number; readonly cause: string }
  /** The receiver will not take it, however often it is sent. */
  | { readonly kind: 'refused'; readonly status: number; readonly excerpt: string }
  /** No attempt got through. */
  | { readonly kind: 'undeliverable'; readonly attempts: number; readonly cause: string };

/** A delivery that failed for good. */
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

/** The counts while they are counted. */
export type Counts = { -readonly [Name in keyof OutboxCounts]: number };

/** The outbox of final callbacks, as plain JSON. */
export interface OutboxStatus extends OutboxCounts {
  /** Whether this process sends; of several workers at one outbox one does. */
  readonly sending: boolean;
  /** Messages that wait; null while another process sends. */
  readonly depth: number | null;
  /** Age of the oldest, ms; null when nothing waits or another process sends. */
  readonly oldestAge: number | null;
}
