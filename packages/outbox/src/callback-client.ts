import { TalebackError, withoutTokens } from '@taleback/core';
import { type Classification, classifyHttpStatus, type RetryPolicy, retry } from '@taleback/resilience';
import type { Log } from '@taleback/core';
import { type CallbackClient, type CallbackMessage, type Delivery, isHttpUrl } from './callback-message.ts';
import { createSendOnce, type Sendable, type SendOptions, type TryOutcome } from './send-once.ts';
import { substituteFor } from './substitute-for.ts';

export interface CallbackClientOptions extends SendOptions {
  readonly retry: RetryPolicy;
  readonly log: Log;
}

type Failure = Exclude<TryOutcome, { kind: 'accepted' }>;

const describe = (failure: Failure): string =>
  failure.kind === 'not-accepted' ? `answered ${failure.status}: ${failure.excerpt}` : failure.cause;

class NotDelivered extends TalebackError {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super('callback_undeliverable', describe(failure));
    this.failure = failure;
  }
}

/** No answer at all is worth another try; an answer by its status. */
const classify = (error: unknown, nowMs: number): Classification => {
  if (!(error instanceof NotDelivered)) return { retryable: true };
  const { failure } = error;
  switch (failure.kind) {
    case 'not-accepted':
      return classifyHttpStatus(failure.status, failure.retryAfter, nowMs);
    case 'unanswered':
      return { retryable: true };
    case 'address-refused':
      return { retryable: false };
    default:
      return failure satisfies never;
  }
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Bytes of a message; a payload that is no JSON gives the reason. */
const encode = ({ url, messageId, payload }: CallbackMessage): Sendable | string => {
  try {
    return { url, messageId, body: Buffer.from(JSON.stringify(payload)) };
  } catch (error) {
    return messageOf(error);
  }
};

/** The client that keeps nothing: what is not accepted within its tries is gone. */
export const createCallbackClient = (options: CallbackClientOptions): CallbackClient => {
  const sendOnce = createSendOnce(options);

  const deliverWith = async (
    message: CallbackMessage,
    policy: RetryPolicy,
    signal: AbortSignal | undefined,
  ): Promise<Delivery> => {
    const sendable = isHttpUrl(message.url)
      ? encode(message)
      : 'callback_url: is not an http or https address';
    if (typeof sendable === 'string') return { kind: 'undeliverable', attempts: 0, cause: sendable };
    const outcome = await retry(
      async ({ signal: attemptSignal }) => {
        const end = await sendOnce(sendable, attemptSignal);
        if (end.kind !== 'accepted') throw new NotDelivered(end);
        return end.excerpt;
      },
      {
        ...policy,
        classify: (error) => classify(error, options.now()),
        ...(signal === undefined ? {} : { signal }),
      },
    );
    if (outcome.kind === 'succeeded')
      return { kind: 'delivered', attempts: outcome.attempts, excerpt: outcome.value };
    const { lastError, attempts } = outcome;
    if (outcome.kind === 'not-retryable' && lastError instanceof NotDelivered) {
      const { failure } = lastError;
      if (failure.kind === 'not-accepted')
        return { kind: 'refused', status: failure.status, excerpt: failure.excerpt };
    }
    return { kind: 'undeliverable', attempts, cause: messageOf(lastError) };
  };

  const deliver = async (message: CallbackMessage, signal?: AbortSignal): Promise<Delivery> => {
    const delivery = await deliverWith(message, options.retry, signal);
    const about = { url: withoutTokens(message.url), messageId: message.messageId, ...delivery };
    if (delivery.kind === 'delivered') options.log('info', 'callback delivered', about);
    else options.log('error', 'callback not delivered', about);
    if (delivery.kind === 'refused' || delivery.kind === 'undeliverable') {
      const owed = substituteFor(message, delivery);
      if (owed !== undefined) await deliver(owed, signal);
    }
    return delivery;
  };

  return {
    deliver,
    deliverOnce: (message, signal) => deliverWith(message, { ...options.retry, maxAttempts: 1 }, signal),
  };
};
