import { errorWords, type Log, withoutTokens } from '@taleback/core';
import { type Clock, classifyHttpStatus, type RetryPolicy, retry } from '@taleback/resilience';
import type { DeadLetter } from './entry-file.ts';
import {
  causeOf,
  createSendOnce,
  type Delivery,
  describeFailure,
  type FailedDelivery,
  type FailedTry,
  isHttpUrl,
  laneOf,
  nounOf,
  type OutboxMessage,
  type SendOptions,
  type Substitute,
} from './message.ts';
import type { Outbox } from './outbox.ts';

/** A message of a job. `job_id`, else `story_id`, of its payload says what it has to stay in order with. */
export interface CallbackMessage extends Pick<OutboxMessage, 'url' | 'messageId'> {
  readonly payload: object;
  /** Sent when this message is finally refused or given up, with the cause as its `error_details`. */
  readonly substitute?: Omit<CallbackMessage, 'substitute'> | undefined;
}

export interface CallbackClient {
  /** Sends until it is accepted, refused, or given up; a client with an outbox answers sooner, with `kept`. */
  deliver(message: CallbackMessage, signal?: AbortSignal): Promise<Delivery>;
  /** Sends once: for news that the next one makes old. */
  deliverOnce(message: CallbackMessage, signal?: AbortSignal): Promise<Delivery>;
}

export interface CallbackClientOptions extends SendOptions {
  readonly retry: RetryPolicy;
  readonly log: Log;
}

export interface OutboxClientOptions {
  readonly outbox: Pick<Outbox, 'deliver' | 'countSentWithout'>;
  /** Sends what the outbox cannot take, and what is not worth keeping. */
  readonly direct: CallbackClient;
  /** Keeps what the direct client could not deliver. */
  readonly keepDeadLetter: (letter: DeadLetter) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

/** The receiver does not know the story: nothing can be shown for it. */
const STORY_GONE: ReadonlySet<number> = new Set([404, 410]);

const isGone = (failure: FailedDelivery): boolean =>
  failure.kind === 'refused' && STORY_GONE.has(failure.status);

/**
 * What replaces a callback that failed for good: its substitute, with the cause as `error_details`.
 *
 * @example
 * const substitute = { url: 'https://a.example/error', messageId: 'failed_1', body: '{"job_id":"1"}' };
 * const message = { url: 'https://a.example/hook', messageId: 'ready_1', body: '{}', substitute };
 * console.log(callbackSubstitute(message, { kind: 'refused', status: 422, excerpt: 'no' })?.body);
 * // {"job_id":"1","error_details":"answered 422: no"}
 */
export const callbackSubstitute = (
  { substitute }: OutboxMessage,
  failure: FailedDelivery,
): Substitute | undefined => {
  if (substitute === undefined || isGone(failure)) return undefined;
  const payload = { ...(JSON.parse(substitute.body) as object), error_details: describeFailure(failure) };
  return { ...substitute, body: JSON.stringify(payload) };
};

const toSubstitute = ({ payload, ...message }: Omit<CallbackMessage, 'substitute'>): Substitute => ({
  ...message,
  body: JSON.stringify(payload),
});

/** @throws TypeError for a payload that is no JSON */
const toMessage = ({ substitute, ...message }: CallbackMessage): OutboxMessage => ({
  ...toSubstitute(message),
  lane: laneOf(message.payload, message.messageId),
  substitute: substitute && toSubstitute(substitute),
});

const aboutOf = ({ url, messageId }: CallbackMessage) => ({ url: withoutTokens(url), messageId });

const undeliverable = (cause: string, attempts = 0): Delivery => ({ kind: 'undeliverable', attempts, cause });

/**
 * The client that keeps nothing: what is not accepted within its attempts is gone.
 *
 * @example
 * const backoff = { kind: 'exponential', initialMs: 1, maxMs: 1, jitter: 'none' } as const;
 * const post = async () => ({ status: 200, retryAfter: undefined, excerpt: '' });
 * const options = { post, secrets: [], now: Date.now, retry: { maxAttempts: 2, backoff }, log: () => {} };
 * const client = createCallbackClient(options);
 * const message = { url: 'https://a.example/hook', messageId: 'ready_7', payload: { job_id: '7' } };
 * console.log((await client.deliver(message)).kind); // delivered
 */
export const createCallbackClient = (options: CallbackClientOptions): CallbackClient => {
  const sendOnce = createSendOnce(options);

  const send = async (
    { url, messageId, payload }: CallbackMessage,
    policy: RetryPolicy,
    signal: AbortSignal | undefined,
  ): Promise<Delivery> => {
    if (!isHttpUrl(url)) return undeliverable('callback_url: is not an http or https address');
    let body: Buffer;
    try {
      body = Buffer.from(JSON.stringify(payload));
    } catch (error) {
      return undeliverable(errorWords(error));
    }
    let failed: FailedTry | undefined;
    const outcome = await retry(
      async (attempt) => {
        const end = await sendOnce({ url, messageId, body }, attempt.signal);
        if (end.kind === 'accepted') return end.excerpt;
        failed = end;
        throw new Error(causeOf(end));
      },
      {
        ...policy,
        // No answer at all is worth another attempt; an answer by its status.
        classify: () =>
          failed?.kind === 'not-accepted'
            ? classifyHttpStatus(failed.status, failed.retryAfter, options.now())
            : { retryable: failed?.kind !== 'address-refused' },
        signal,
      },
    );
    const { attempts } = outcome;
    if (outcome.kind === 'succeeded') return { kind: 'delivered', attempts, excerpt: outcome.value };
    return outcome.kind === 'not-retryable' && failed?.kind === 'not-accepted'
      ? { kind: 'refused', status: failed.status, excerpt: failed.excerpt }
      : undeliverable(errorWords(outcome.lastError), attempts);
  };

  const deliver = async (message: CallbackMessage, signal?: AbortSignal): Promise<Delivery> => {
    const delivery = await send(message, options.retry, signal);
    const isFailed = delivery.kind === 'refused' || delivery.kind === 'undeliverable';
    const about = { ...aboutOf(message), ...delivery };
    const [severity, end] = isFailed ? (['error', 'failed'] as const) : (['info', 'sent'] as const);
    options.log(severity, `${nounOf(message.url, 'callback')} ${end}`, about);
    const { substitute } = message;
    if (isFailed && substitute !== undefined && !isGone(delivery)) {
      const payload = { ...substitute.payload, error_details: describeFailure(delivery) };
      await deliver({ ...substitute, payload }, signal);
    }
    return delivery;
  };

  return {
    deliver,
    deliverOnce: (message, signal) => send(message, { ...options.retry, maxAttempts: 1 }, signal),
  };
};

/**
 * The client that loses nothing: a message is on the disk before it is sent, and stays until it is accepted.
 *
 * @example
 * import { createOutboxClient } from '@taleback/outbox';
 * import { systemClock } from '@taleback/resilience';
 * const deliver = async () => ({ kind: 'delivered', attempts: 1 }) as const;
 * // An `Outbox`, and a client of `createCallbackClient`.
 * const parts = { outbox: { deliver, countSentWithout: () => {} }, direct: { deliver, deliverOnce: deliver } };
 * const options = { keepDeadLetter: async () => {}, clock: systemClock, log: () => {} };
 * const client = createOutboxClient({ ...parts, ...options });
 * const message = { url: 'https://a.example/hook', messageId: 'ready_7', payload: { job_id: '7' } };
 * console.log((await client.deliver(message)).kind); // delivered
 */
export const createOutboxClient = (options: OutboxClientOptions): CallbackClient => {
  const { outbox, direct, keepDeadLetter, clock, log } = options;

  /** For what the disk does not take. */
  const deliverDirectly = async (
    message: CallbackMessage,
    signal: AbortSignal | undefined,
  ): Promise<Delivery> => {
    outbox.countSentWithout();
    const delivery = await direct.deliver(message, signal);
    if (delivery.kind === 'delivered' || delivery.kind === 'kept') return delivery;
    const atMs = Math.floor(clock.now());
    const end =
      delivery.kind === 'refused'
        ? ({ why: 'refused', attempts: 1 } as const)
        : ({ why: 'expired', attempts: delivery.attempts } as const);
    try {
      await keepDeadLetter({ message: toMessage(message), createdMs: atMs, delivery, atMs, ...end });
    } catch (error) {
      log('error', 'failed callback could not be kept', { ...aboutOf(message), error: errorWords(error) });
    }
    return delivery;
  };

  return {
    deliver: async (message, signal) => {
      if (!isHttpUrl(message.url)) return direct.deliver(message, signal);
      try {
        return await outbox.deliver(toMessage(message), { signal });
      } catch (error) {
        log('error', 'outbox cannot be written', { ...aboutOf(message), error: errorWords(error) });
        return deliverDirectly(message, signal);
      }
    },
    deliverOnce: (message, signal) => direct.deliverOnce(message, signal),
  };
};
