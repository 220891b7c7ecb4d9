import type { PubSub, Topic } from '@google-cloud/pubsub';
import { createNames, type Names, type TtsJobEvent } from '@taleback/core';
import { within } from '../stories/firestore-calls.node.ts';
import type { Events } from './publish-owed.ts';

/** How long Pub/Sub may take to accept a message, in milliseconds. */
const DEFAULT_TIMEOUT_MS = 10_000;
/** For events: their sender waits 10 s in all; once a process publishes, an event takes some 20 ms. */
const EVENT_TIMEOUT_MS = 4_000;
const NOT_FOUND = 5; // gRPC
const ALREADY_EXISTS = 6;
/** Longer attributes are refused, with their message. @see https://cloud.google.com/pubsub/quotas */
const MAX_ATTRIBUTE_BYTES = 1_024;

export interface PubsubOptions {
  /** Default: the project that the environment names. */
  readonly projectId?: string | undefined;
  /** Default: the names without an instance. */
  readonly names?: Names;
}

interface TopicOptions extends PubsubOptions {
  /** Whether a missing topic is created. Default: publishing to it fails. */
  readonly createMissing?: boolean;
  /** Default 10,000. */
  readonly timeoutMs?: number;
}

interface PubsubMessage {
  readonly data: Buffer;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Attributes that are too long are left out; the message has them as well. */
const fitting = (attributes: PubsubMessage['attributes']): Record<string, string> =>
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
const createTopic = (
  name: string,
  { projectId, createMissing = false, timeoutMs = DEFAULT_TIMEOUT_MS }: TopicOptions,
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
  // The client checks its own limit only between tries: with 10 s, a refused connection takes it 25 s.
  return (message) => within(timeoutMs, publish(message));
};

/** Publishes jobs for the workers. The topic must exist. */
export const createJobQueue = ({ names = createNames(), ...options }: PubsubOptions = {}) => {
  const publish = createTopic(names.topics.jobs, options);
  return {
    /** Resolves when the queue has the job durably. @throws when it does not take it */
    publish: (job: TtsJobEvent): Promise<void> => {
      const { story_id: storyId } = job.input.metadata;
      return publish({ data: Buffer.from(JSON.stringify(job)), attributes: { jobId: job.id, storyId } });
    },
  };
};

export type JobQueue = ReturnType<typeof createJobQueue>;

/** Keeps jobs that no worker could take. A missing topic is created. */
export const createDeadLetters = ({ names = createNames(), ...options }: PubsubOptions = {}) => ({
  /** Attributes name the job, the story, the reason and its code. @throws when the letter is not kept */
  publish: createTopic(names.topics.deadLetters, { ...options, createMissing: true }),
});

export type DeadLetters = ReturnType<typeof createDeadLetters>;

/**
 * Publishes events of narrations. A missing topic is created, because without it callbacks would be refused. The
 * attributes let a subscription choose without reading the event.
 * @see https://github.com/google/knative-gcp/blob/main/docs/spec/pubsub-protocol-binding.md
 */
export const createEvents = ({ names = createNames(), ...options }: PubsubOptions = {}): Events => {
  const publish = createTopic(names.topics.events, {
    ...options,
    createMissing: true,
    timeoutMs: EVENT_TIMEOUT_MS,
  });
  return {
    publish: (event) =>
      publish({
        data: Buffer.from(JSON.stringify(event)),
        attributes: {
          'content-type': 'application/cloudevents+json',
          type: event.type,
          storyId: event.subject,
        },
      }),
  };
};
