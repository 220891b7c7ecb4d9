import { once } from 'node:events';
import { type protos, PubSub, type Topic, v1 } from '@google-cloud/pubsub';
import type { Log, Names } from '@taleback/core';
import { withoutRecordingText } from '@taleback/core/storage';
import type { Handler } from '@taleback/handler';
import { Bulkhead, type Clock, type Random, wait } from '@taleback/resilience';
import { superviseStream } from '../health/stream.ts';
import { type JobSource, readQueuedJob } from './job-source.ts';
import { pullStream } from './pull-stream.node.ts';
import { describePubsubFault, GRPC, grpcCode, SubscriptionMissingError } from './pubsub-faults.ts';

export interface PubsubSourceOptions {
  /** Default: the project that the environment names. */
  readonly projectId?: string | undefined;
  readonly names: Pick<Names, 'topics'>;
  readonly subscription: string;
  /** Jobs under way at once. */
  readonly concurrency: number;
  /** After how long a job of a dead worker is given to another, 10 to 600; a live worker keeps extending it. */
  readonly ackDeadlineSeconds: number;
  /** How long the subscription may be out of reach before the source is dead, ms. */
  readonly streamDeadMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** A message that this worker holds, under way or waiting. */
interface Job extends ReturnType<typeof readQueuedJob> {
  readonly id: string;
  /** Of its latest delivery. */
  ackId: string;
  readonly data: Buffer;
  readonly attributes: Record<string, string>;
  /** 0 when Pub/Sub does not count them. */
  readonly deliveries: number;
  readonly heldSinceMs: number;
  hasBegun: boolean;
  /** Takes it out of the queue, so that another worker gets it. */
  readonly giveBack: AbortController;
}

/** A job that came back so often takes its workers down with it; Pub/Sub then puts it with the dead letters. */
const MAX_DELIVERY_ATTEMPTS = 10;
/**
 * Messages held at once. Pub/Sub does not deliver by user: only what is held can take turns, so this is the longest backlog of
 * one person that does not delay others. With `WINDOW_BYTES` it fits into the memory of a small worker.
 */
const WINDOW_JOBS = 1_000;
const WINDOW_BYTES = 64 * 2 ** 20;
/** A job that waits is offered to other workers after one lease, so often; the deliveries left are for crashes. */
const MAX_OFFERS = 3;
/** Longest time for a call, retries of the client included. */
const CALL = { timeout: 10_000 };
/** gRPC would let up to two minutes pass between two connections. */
const CHANNEL = { 'grpc.max_reconnect_backoff_ms': 4_000 };

const allowing = async (call: Promise<unknown>, ...codes: readonly number[]): Promise<void> => {
  try {
    await call;
  } catch (error) {
    if (!codes.some((code) => code === grpcCode(error))) throw error;
  }
};

/**
 * Jobs pulled from a Pub/Sub subscription, which is created if it is missing. Streams and leases are kept here and not by
 * the subscriber of Google's client: that one gives the leases of the jobs under way up with its stream, and does not say
 * when a stream is open. Draining gives back what has come and has not begun; a message on its way at that moment comes
 * again when its lease ends.
 */
export const createPubsubSource = (options: PubsubSourceOptions): JobSource => {
  const { names, concurrency, ackDeadlineSeconds, clock, log } = options;
  const { projectId } = options;
  const pubsub = new PubSub({ ...(projectId === undefined ? {} : { projectId }), ...CHANNEL });
  /** Also for messages that no handler can read, with the reason, so that they do not come back for ever. */
  const deadLetters: Topic = pubsub.topic(names.topics.deadLetters, { batching: { maxMessages: 1 } });
  /** By the id of their message. */
  const held = new Map<string, Job>();
  /** Deals by user and priority among all that is held. */
  const turns = new Bulkhead({ maxConcurrent: concurrency, maxQueued: Number.MAX_SAFE_INTEGER });
  /** Not settled yet. */
  const open = new Set<Promise<void>>();
  /** Done, but not acknowledged: they come again. */
  const finished = new Set<string>();
  const stopping = new AbortController();
  const closed = new AbortController();
  let handler: Handler;
  let isDraining = false;

  const connect = async () => {
    const config = (await pubsub.getClientConfig()) as ConstructorParameters<typeof v1.SubscriberClient>[0];
    const client = new v1.SubscriberClient(config);
    // A call of a client that has no credentials would reject where nothing catches it.
    await client.initialize();
    return { client, subscription: client.subscriptionPath(pubsub.projectId, options.subscription) };
  };
  let connection: ReturnType<typeof connect> | undefined;
  const connected = (): ReturnType<typeof connect> => {
    connection ??= connect().catch((error: unknown) => {
      connection = undefined;
      throw error;
    });
    return connection;
  };

  /** Acknowledges a job, or gives it back; also what was delivered of it meanwhile. */
  const settle = async (job: Job, isDone: boolean): Promise<void> => {
    try {
      const { client, subscription } = await connected();
      for (let ackId: string | undefined; ackId !== job.ackId; ) {
        ackId = job.ackId;
        const request = { subscription, ackIds: [ackId] };
        if (isDone) await client.acknowledge(request, CALL);
        else await client.modifyAckDeadline({ ...request, ackDeadlineSeconds: 0 }, CALL);
      }
    } catch (error) {
      if (isDone) finished.add(job.id);
      log('warn', isDone ? 'job not acknowledged' : 'job not given back', {
        messageId: job.id,
        reason: String(error),
      });
    } finally {
      held.delete(job.id);
    }
  };

  /** @returns whether the job is done with */
  const handle = async ({ id: messageId, data, event, attributes }: Job): Promise<boolean> => {
    try {
      if (event === undefined) {
        const reason = 'not JSON';
        log('error', 'job set aside', { messageId, reason });
        const kept = Buffer.from(withoutRecordingText(data.toString('utf8')));
        await deadLetters.publishMessage({ data: kept, attributes: { ...attributes, reason } });
        return true;
      }
      await handler(event, stopping.signal);
      return true;
    } catch (error) {
      log('warn', 'job given back', { messageId, reason: String(error) });
      return false;
    }
  };

  /** Narrates a job in its turn, and settles it. */
  const take = async (job: Job): Promise<void> => {
    if (finished.delete(job.id)) return settle(job, true);
    const begin = (): Promise<boolean> => {
      job.hasBegun = true;
      return handle(job);
    };
    const outcome = await turns.submit(begin, { ...job.turn, signal: job.giveBack.signal });
    return settle(job, outcome.kind === 'completed' && outcome.value);
  };

  const admit = (received: protos.google.pubsub.v1.IReceivedMessage): void => {
    const { ackId, message, deliveryAttempt } = received;
    const { messageId, data, attributes } = message ?? {};
    if (!ackId || !messageId) return;
    const known = held.get(messageId);
    // Its lease was lost while the stream was: it is not narrated twice here.
    if (known !== undefined) {
      known.ackId = ackId;
      return;
    }
    const bytes = Buffer.from(data ?? '');
    const job: Job = {
      ...readQueuedJob(bytes),
      id: messageId,
      ackId,
      data: bytes,
      attributes: attributes ?? {},
      deliveries: deliveryAttempt ?? 0,
      heldSinceMs: clock.now(),
      hasBegun: false,
      giveBack: new AbortController(),
    };
    held.set(messageId, job);
    const work = take(job).finally(() => open.delete(work));
    open.add(work);
  };

  /** The topics may be there although this worker may not create any. */
  const createMissing = async (): Promise<void> => {
    const { ALREADY_EXISTS, PERMISSION_DENIED } = GRPC;
    const topics = [names.topics.jobs, names.topics.deadLetters];
    try {
      await Promise.all(
        topics.map((name) => allowing(pubsub.createTopic(name, CALL), ALREADY_EXISTS, PERMISSION_DENIED)),
      );
      const deadLetterPolicy = {
        deadLetterTopic: deadLetters.name,
        maxDeliveryAttempts: MAX_DELIVERY_ATTEMPTS,
      };
      const created = pubsub
        .topic(names.topics.jobs)
        .createSubscription(options.subscription, { ackDeadlineSeconds, deadLetterPolicy, gaxOpts: CALL });
      await allowing(created, ALREADY_EXISTS);
      log('info', 'subscription created', { subscription: options.subscription });
    } catch (cause) {
      throw new SubscriptionMissingError('the subscription is missing', { cause });
    }
  };

  const pull = async (opened: () => void, signal: AbortSignal): Promise<void> => {
    const { client, subscription } = await connected();
    const request = {
      subscription,
      streamAckDeadlineSeconds: ackDeadlineSeconds,
      maxOutstandingMessages: WINDOW_JOBS,
      maxOutstandingBytes: WINDOW_BYTES,
    };
    await pullStream({ client, request, clock, receive: admit, opened, signal });
  };

  const run = async (opened: () => void, signal: AbortSignal): Promise<void> => {
    let wasOpen = false;
    const firstOpened = (): void => {
      wasOpen = true;
      opened();
    };
    try {
      await pull(firstOpened, signal);
    } catch (error) {
      if (wasOpen || signal.aborted || grpcCode(error) !== GRPC.NOT_FOUND) throw error;
      await createMissing();
      if (!signal.aborted) await pull(opened, signal);
    }
  };

  /** Lets other workers have what waits here for long, so that one that has just started does not idle. */
  const offerWaiting = (): void => {
    const sinceMs = clock.now() - ackDeadlineSeconds * 1000;
    const due = [...held.values()].filter(
      ({ hasBegun, heldSinceMs, deliveries }) =>
        !hasBegun && heldSinceMs <= sinceMs && deliveries <= MAX_OFFERS,
    );
    for (const { giveBack } of due.slice(concurrency)) giveBack.abort();
  };

  const extendLeases = async (): Promise<void> => {
    while ((await wait(clock, ackDeadlineSeconds * 500, closed.signal)) === 'elapsed') {
      offerWaiting();
      const kept = [...held.values()].filter(({ giveBack }) => !giveBack.signal.aborted);
      const ackIds = kept.map(({ ackId }) => ackId);
      if (ackIds.length === 0) continue;
      const { client, subscription } = await connected();
      await client
        .modifyAckDeadline({ subscription, ackIds, ackDeadlineSeconds }, CALL)
        .catch((error: unknown) => {
          log('warn', 'leases not extended', { reason: String(error) });
        });
    }
  };

  const stream = superviseStream({
    ...options,
    name: 'job stream',
    run,
    describe: (fault) => describePubsubFault(fault, options.subscription),
    isFinal: (fault) => {
      const code = grpcCode(fault instanceof SubscriptionMissingError ? fault.cause : fault);
      return code === undefined || code === GRPC.INVALID_ARGUMENT;
    },
    deadAfterMs: options.streamDeadMs,
  });

  return {
    health: stream.health,
    dead: stream.dead,
    start: (takes) => {
      handler = takes;
      if (isDraining) return Promise.resolve();
      void extendLeases();
      return stream.start();
    },
    drain: async (graceMs) => {
      isDraining = true;
      const timer = setTimeout(() => stopping.abort(new Error('the worker is stopping')), graceMs);
      const ended = stream.close();
      void turns.close();
      while (open.size > 0) await Promise.allSettled(open);
      // Closing the client under a call would break it; one that waits for a Pub/Sub that is away is not waited for.
      if (!stopping.signal.aborted) await Promise.race([ended, once(stopping.signal, 'abort')]);
      clearTimeout(timer);
      closed.abort();
      await connection?.then(
        ({ client }) => client.close(),
        () => {},
      );
      await pubsub.close();
    },
  };
};
