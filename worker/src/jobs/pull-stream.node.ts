import { once } from 'node:events';
import type { protos, v1 } from '@google-cloud/pubsub';
import { type Clock, wait } from '@taleback/resilience';

type Received = protos.google.pubsub.v1.IReceivedMessage;

export interface PullStreamOptions {
  readonly client: v1.SubscriberClient;
  readonly request: protos.google.pubsub.v1.IStreamingPullRequest;
  readonly clock: Clock;
  readonly receive: (message: Received) => void;
  /** May be called more than once. */
  readonly opened: () => void;
  readonly signal: AbortSignal;
}

/**
 * Pub/Sub confirms no stream that has nothing to deliver, but ends one that it refuses: on a connection that stands, after
 * one round trip and the fetch of a token.
 */
const REFUSED_WITHIN_MS = 1_000;
/** How often it is looked whether the connection stands, ms. */
const CONNECTION_LOOK_MS = 50;
/** `grpc.connectivityState.READY`. */
const CONNECTED = 2;
/** Google ends a stream that says nothing for minutes. Its own client sends an empty message as often. */
const KEEP_ALIVE_MS = 30_000;

interface Stub {
  getChannel(): { getConnectivityState(connect: boolean): number };
}

/**
 * Pulls messages until the stream ends.
 *
 * @throws (as a rejection) the gRPC error that it ends with
 */
export const pullStream = async (options: PullStreamOptions): Promise<void> => {
  const { client, clock, receive, opened, signal } = options;
  const stub = (await client.initialize()) as unknown as Stub;
  const stream = client.streamingPull();
  const ended = new AbortController();
  const cancel = (): void => stream.cancel();

  const awaitOpen = async (): Promise<void> => {
    while (stub.getChannel().getConnectivityState(false) !== CONNECTED)
      if ((await wait(clock, CONNECTION_LOOK_MS, ended.signal)) === 'aborted') return;
    if ((await wait(clock, REFUSED_WITHIN_MS, ended.signal)) === 'elapsed') opened();
  };
  const keepAlive = async (): Promise<void> => {
    while ((await wait(clock, KEEP_ALIVE_MS, ended.signal)) === 'elapsed') stream.write({});
  };

  stream.on('data', ({ receivedMessages }: protos.google.pubsub.v1.IStreamingPullResponse) => {
    opened();
    for (const message of receivedMessages ?? []) receive(message);
  });
  const end = once(stream, 'end').finally(() => ended.abort());
  // A cancelled call may report its end once more.
  stream.on('error', () => {});
  signal.addEventListener('abort', cancel, { once: true });
  if (signal.aborted) cancel();
  stream.write(options.request);
  try {
    await Promise.all([end, awaitOpen(), keepAlive()]);
  } finally {
    ended.abort();
    signal.removeEventListener('abort', cancel);
    cancel();
  }
};
