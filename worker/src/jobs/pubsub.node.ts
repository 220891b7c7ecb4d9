import { once } from 'node:events';
import {
  Duration,
  type Message,
  PubSub,
  type Subscription,
  SubscriptionCloseBehaviors,
  type Topic,
} from '@google-cloud/pubsub';
import type { Names, Log } from '@taleback/core';
import type { Handler } from '@taleback/handler';
import type { JobSource } from './job-source.ts';

export interface PubsubSourceOptions {
  /** Default: the project that the environment names. */
  readonly projectId?: string | undefined;
  readonly names: Pick<Names, 'topics'>;
  readonly subscription: string;
  /** Jobs under way at once. */
  readonly concurrency: number;
  /** After how long a job of a dead worker is given to another, 10 to 600; a live worker keeps extending it. */
  readonly ackDeadlineSeconds: number;
  readonly log: Log;
}

/** A job that came back so often takes its workers down with it; Pub/Sub then puts it with the dead letters. */
const MAX_DELIVERY_ATTEMPTS = 10;
const ALREADY_EXISTS = 6; // gRPC

const unlessItExists = async (create: Promise<unknown>): Promise<void> => {
  try {
    await create;
  } catch (error) {
    if ((error as { code?: unknown }).code !== ALREADY_EXISTS) throw error;
  }
};

/**
 * Jobs pulled from a Pub/Sub subscription. Topic and subscription are made when they are missing. Draining gives back what
 * has come and has not begun; a message on its way at that moment is lost with its stream, which the client library can
 * only cancel, and comes again when its lease ends.
 */
export const createPubsubSource = (options: PubsubSourceOptions): JobSource => {
  const pubsub = new PubSub(options.projectId === undefined ? {} : { projectId: options.projectId });
  /** Also for messages that no handler can read, with the reason, so that they do not come back for ever. */
  const deadLetters: Topic = pubsub.topic(options.names.topics.deadLetters, { batching: { maxMessages: 1 } });
  const underWay = new Set<Promise<void>>();
  /** Beyond the cap: the emulator sends more than it is asked for, and what the client held it could not give back. */
  const waiting: Message[] = [];
  const stopping = new AbortController();
  let subscription: Subscription | undefined;
  let isDraining = false;
  /** Settles when the start has ended, however it did: closing the client under it would break it. */
  let started: Promise<unknown> = Promise.resolve();

  const prepare = async (): Promise<void> => {
    await Promise.all([
      unlessItExists(pubsub.createTopic(options.names.topics.jobs)),
      unlessItExists(pubsub.createTopic(options.names.topics.deadLetters)),
    ]);
    const { ackDeadlineSeconds } = options;
    const deadLetterPolicy = {
      deadLetterTopic: deadLetters.name,
      maxDeliveryAttempts: MAX_DELIVERY_ATTEMPTS,
    };
    await unlessItExists(
      pubsub
        .topic(options.names.topics.jobs)
        .createSubscription(options.subscription, { ackDeadlineSeconds, deadLetterPolicy }),
    );
  };

  const take = async (message: Message, handler: Handler): Promise<void> => {
    const { id: messageId, data, attributes } = message;
    try {
      let event: unknown;
      try {
        event = JSON.parse(data.toString('utf8'));
      } catch {
        const reason = 'not JSON';
        options.log('error', 'job set aside', { messageId, reason });
        await deadLetters.publishMessage({ data, attributes: { ...attributes, reason } });
        message.ack();
        return;
      }
      await handler(event, stopping.signal);
      message.ack();
    } catch (error) {
      options.log('warn', 'job given back', { messageId, reason: String(error) });
      message.nack();
    }
  };

  const admit = (message: Message, handler: Handler): void => {
    if (isDraining) return message.nack();
    if (underWay.size >= options.concurrency) {
      waiting.push(message);
      return;
    }
    const work = take(message, handler).finally(() => {
      underWay.delete(work);
      const next = waiting.shift();
      if (next !== undefined) admit(next, handler);
    });
    underWay.add(work);
  };

  const open = async (handler: Handler): Promise<void> => {
    try {
      await prepare();
    } catch (error) {
      if (isDraining) return;
      throw error;
    }
    if (isDraining) return;
    const lease = Duration.from({ seconds: options.ackDeadlineSeconds });
    subscription = pubsub.subscription(options.subscription, {
      // One stream: with the client's usual five, five times as many jobs would be let in.
      flowControl: { maxMessages: options.concurrency, allowExcessMessages: true },
      streamingOptions: { maxStreams: 1 },
      closeOptions: { behavior: SubscriptionCloseBehaviors.WaitForProcessing },
      // The client would stretch its lease to a minute and more, and a dead worker's job would wait that long.
      minAckDeadline: lease,
      maxAckDeadline: lease,
    });
    subscription.on('error', (error) =>
      options.log('error', 'subscription failed', { reason: error.message }),
    );
    subscription.on('message', (message: Message) => admit(message, handler));
  };

  return {
    start: (handler) => {
      const opening = open(handler);
      started = opening.catch(() => {});
      return opening;
    },
    drain: async (graceMs) => {
      isDraining = true;
      const timer = setTimeout(() => stopping.abort(new Error('the worker is stopping')), graceMs);
      await Promise.race([started, once(stopping.signal, 'abort')]);
      for (const message of waiting.splice(0)) message.nack();
      // Ends the stream at once, then waits for the jobs under way and for their acknowledgements.
      await subscription?.close();
      await Promise.allSettled(underWay);
      clearTimeout(timer);
      await pubsub.close();
    },
  };
};
