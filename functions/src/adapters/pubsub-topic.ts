import type { PubSub, Topic } from '@google-cloud/pubsub';
import { within } from './within.ts';

/** How long Pub/Sub may take to accept a message before the caller is told, in milliseconds. */
const DEFAULT_TIMEOUT_MS = 10_000;
const NOT_FOUND = 5; // gRPC
const ALREADY_EXISTS = 6;

export interface PubsubTopicOptions {
  /** Default: the project that the environment names. */
  readonly projectId?: string | undefined;
  /** Whether a topic that is not there is made. Default: publishing to it fails. */
  readonly createMissing?: boolean;
  /** Default 10,000. */
  readonly timeoutMs?: number;
}

export interface PubsubMessage {
  readonly data: Buffer;
  readonly attributes: Record<string, string>;
}

/** Longer ones are refused, with their message. @see https://cloud.google.com/pubsub/quotas */
const MAX_ATTRIBUTE_BYTES = 1_024;

/** What is left out stands in the message as well. */
const fitting = (attributes: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(attributes).filter(([, value]) => Buffer.byteLength(value) <= MAX_ATTRIBUTE_BYTES),
  );

const codeOf = (error: unknown): unknown => (error as { code?: unknown } | null)?.code;

/** One client for all topics of a process: each would have channels of its own. */
const clients = new Map<string | undefined, Promise<PubSub>>();

const clientOf = (projectId: string | undefined): Promise<PubSub> => {
  const known = clients.get(projectId);
  if (known !== undefined) return known;
  const made = import('@google-cloud/pubsub').then(
    ({ PubSub }) => new PubSub(projectId === undefined ? {} : { projectId }),
  );
  clients.set(projectId, made);
  return made;
};

const create = async (topic: Topic): Promise<void> => {
  try {
    await topic.create();
  } catch (error) {
    if (codeOf(error) !== ALREADY_EXISTS) throw error;
  }
};

/** Publishes to one topic, one message at a time. The client is loaded with the first message. */
export const createPubsubTopic = (
  name: string,
  { projectId, createMissing = false, timeoutMs = DEFAULT_TIMEOUT_MS }: PubsubTopicOptions = {},
): ((message: PubsubMessage) => Promise<void>) => {
  let connected: Promise<Topic> | undefined;
  const connect = async (): Promise<Topic> =>
    (await clientOf(projectId)).topic(name, {
      batching: { maxMessages: 1 },
      gaxOpts: { timeout: timeoutMs },
    });
  const publish = async ({ data, attributes }: PubsubMessage): Promise<void> => {
    const message = { data, attributes: fitting(attributes) };
    connected ??= connect();
    const topic = await connected;
    try {
      await topic.publishMessage(message);
    } catch (error) {
      if (!createMissing || codeOf(error) !== NOT_FOUND) throw error;
      await create(topic);
      await topic.publishMessage(message);
    }
  };
  // The client looks at its own limit between tries only: with 10 s, a refused connection takes it 25 s.
  return (message) => within(timeoutMs, publish(message));
};
