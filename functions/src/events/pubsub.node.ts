import { setTimeout as sleep } from 'node:timers/promises';
import { createNames, type Names, type TtsJobEvent } from '@taleback/core';
import { readEnvironment } from '../config.ts';
import { within } from '../stories/firestore-calls.node.ts';
import type { Events } from './publish-owed.ts';

/** How long Pub/Sub may take to accept a message, in milliseconds. */
const DEFAULT_TIMEOUT_MS = 10_000;
/** For events: their sender waits 10 s in all; once a process publishes, an event takes some 20 ms. */
const EVENT_TIMEOUT_MS = 4_000;
/** A busy Pub/Sub, or a connection that it closed: the next try comes after 100, then after 200 ms. */
const MAX_TRIES = 3;
const FIRST_WAIT_MS = 100;
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

/** One request to Pub/Sub's REST interface; `path` begins after the name of the project. */
type Call = (method: 'POST' | 'PUT', path: string, body: unknown, signal: AbortSignal) => Promise<Response>;

/**
 * Connects by REST, because Google's client loads gRPC, which takes longer than all the rest of a first callback. The
 * emulator asks for no token.
 */
const connect = async (projectId: string | undefined): Promise<Call> => {
  const { GoogleAuth } = await import('google-auth-library');
  const scopes = 'https://www.googleapis.com/auth/pubsub';
  const auth = new GoogleAuth(projectId === undefined ? { scopes } : { scopes, projectId });
  const emulator = readEnvironment()['PUBSUB_EMULATOR_HOST'];
  const origin = emulator ? `http://${emulator}` : 'https://pubsub.googleapis.com';
  const project = `${origin}/v1/projects/${await auth.getProjectId()}`;
  return async (method, path, body, signal) => {
    const headers: Record<string, string> = { 'content-type': 'application/json' };
    if (!emulator) headers['authorization'] = `Bearer ${await auth.getAccessToken()}`;
    return fetch(`${project}/${path}`, { method, headers, body: JSON.stringify(body), signal });
  };
};

const isPassing = ({ status }: Response): boolean => status === 429 || status >= 500;

/** The answer of Pub/Sub; tried again while it is busy or away. */
const retried = async (call: () => Promise<Response>): Promise<Response> => {
  for (let tries = 1; ; tries += 1) {
    try {
      const answer = await call();
      if (!isPassing(answer) || tries === MAX_TRIES) return answer;
      await answer.arrayBuffer();
    } catch (error) {
      if (tries === MAX_TRIES) throw error;
    }
    await sleep(FIRST_WAIT_MS * tries);
  }
};

/** @throws Error with Pub/Sub's words when it does not accept a request */
const requireAccepted = async (answer: Response): Promise<void> => {
  const words = await answer.text();
  if (!answer.ok) throw new Error(`Pub/Sub answered ${answer.status}: ${words.slice(0, 300)}`);
};

/** Publishes to one topic, one message at a time. */
const createTopic = (
  name: string,
  { projectId, createMissing = false, timeoutMs = DEFAULT_TIMEOUT_MS }: TopicOptions,
): ((message: PubsubMessage) => Promise<void>) => {
  let connected: Promise<Call> | undefined;
  const publish = async ({ data, attributes }: PubsubMessage): Promise<void> => {
    connected ??= connect(projectId);
    const call = await connected.catch((error: unknown) => {
      connected = undefined;
      throw error;
    });
    // No try goes on when the caller has given up.
    const signal = AbortSignal.timeout(timeoutMs);
    const messages = [{ data: data.toString('base64'), attributes: fitting(attributes) }];
    const send = () => retried(() => call('POST', `topics/${name}:publish`, { messages }, signal));
    let answer = await send();
    if (createMissing && answer.status === 404) {
      const made = await call('PUT', `topics/${name}`, {}, signal);
      if (made.status !== 409) await requireAccepted(made);
      answer = await send();
    }
    await requireAccepted(answer);
  };
  return (message) => within(timeoutMs, publish(message));
};

/** Publishes jobs for the workers. The topic must exist. */
export const createJobQueue = ({ names = createNames(), ...options }: PubsubOptions = {}) => {
  const publish = createTopic(names.topics.jobs, options);
  return {
    publish: (job: TtsJobEvent): Promise<void> => {
      const { story_id: storyId } = job.input.metadata;
      return publish({ data: Buffer.from(JSON.stringify(job)), attributes: { jobId: job.id, storyId } });
    },
  };
};

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
