import { randomUUID } from 'node:crypto';
import { type Message, PubSub } from '@google-cloud/pubsub';
import { createNames, DEFAULT_STORY_LIMITS, type TtsJobEvent } from '@taleback/core';
import type { Clock } from '@taleback/resilience';
import { deleteApp, initializeApp } from 'firebase-admin/app';
import { type Firestore, getFirestore } from 'firebase-admin/firestore';
import type { NarrationEvent } from '../src/events/narration-event.ts';
import { createOwedEvents } from '../src/events/owed-events.node.ts';
import { createDeadLetters, createEvents, createJobQueue } from '../src/events/pubsub.node.ts';
import type { RequestOptions } from '../src/request/request-audio.ts';
import { createRunpodClient, type RunpodClient } from '../src/runpod/client.ts';
import { createUndiciHttp } from '../src/runpod/http.node.ts';
import { createFirestoreStories } from '../src/stories/firestore-stories.node.ts';
import { API_KEY, type RunpodApi } from './runpod-api.ts';

export const SECRET = 'the-secret-of-addresses';
export const CALLBACK_URL = 'https://tales.example/api/tts/callback';
export const AUTO_RETRY = { limit: 2, delaysMs: [60_000, 300_000] } as const;

export interface Kept {
  readonly data: unknown;
  readonly attributes: Record<string, string>;
}

/** Reads a topic from now on. */
const watch = async (pubsub: PubSub, topic: string): Promise<Kept[]> => {
  const kept: Kept[] = [];
  const [made] = await pubsub.createTopic(topic);
  const [subscription] = await made.createSubscription(`watch-${topic}`);
  // Google's emulator polls for each stream, also after its end; the default is five.
  subscription.setOptions({ streamingOptions: { maxStreams: 1 } });
  subscription.on('message', (message: Message) => {
    const text = message.data.toString();
    kept.push({
      data: text.startsWith('{') ? (JSON.parse(text) as unknown) : text,
      attributes: message.attributes,
    });
    message.ack();
  });
  return kept;
};

const ATTEMPT_TIMEOUT_MS = 10_000;

/** A client against the scripted interface. It keeps the waits between tries, and does not wait them. */
export const clientOf = (
  api: Pick<RunpodApi, 'url'>,
  apiKey = API_KEY,
): { readonly client: RunpodClient; readonly waitsMs: number[] } => {
  const waitsMs: number[] = [];
  const clock: Clock = {
    now: Date.now,
    setTimer: (run, delayMs) => {
      const isWait = delayMs < ATTEMPT_TIMEOUT_MS;
      if (isWait) waitsMs.push(delayMs);
      const timer = setTimeout(run, isWait ? 0 : delayMs);
      return () => clearTimeout(timer);
    },
  };
  const client = createRunpodClient({
    http: createUndiciHttp().runpod,
    apiUrl: api.url,
    endpointId: 'ep',
    apiKey: { text: apiKey },
    now: Date.now,
    clock,
  });
  return { client, waitsMs };
};

/** Everything the nets hang on, over Google's emulators, in a project of its own. */
export const openNets = async () => {
  const projectId = `demo-${randomUUID().slice(0, 13)}`;
  const app = initializeApp({ projectId }, projectId);
  const firestore: Firestore = getFirestore(app);
  const pubsub = new PubSub({ projectId });
  const [queued, events, deadLetters] = await Promise.all([
    watch(pubsub, createNames().topics.jobs),
    watch(pubsub, createNames().topics.events),
    watch(pubsub, createNames().topics.deadLetters),
  ]);
  const logged: { severity: string; message: string; fields: unknown }[] = [];
  const log = (severity: string, message: string, fields?: unknown): void =>
    void logged.push({ severity, message, fields });
  const away = { timeoutMs: 120_000 };
  const stories = createFirestoreStories(firestore, away);
  const owed = createOwedEvents(firestore, away);
  const publishing = { events: createEvents({ projectId }), owed };
  const leases = { pendingLeaseMs: 900_000, processingLeaseMs: 120_000, autoRetry: AUTO_RETRY };
  const same = { ...leases, publishing, log, now: Date.now };
  const requests: RequestOptions = {
    ...same,
    stories,
    queue: createJobQueue({ projectId }),
    limits: DEFAULT_STORY_LIMITS,
    defaultVoice: 'slt',
    callbackUrl: CALLBACK_URL,
    newId: randomUUID,
  };
  let next = 0;
  return {
    projectId,
    firestore,
    pubsub,
    same,
    stories,
    /** What `publishOwed` takes. */
    owing: { ...publishing, log, now: Date.now },
    requests,
    deadLetters: createDeadLetters({ projectId }),
    kept: {
      jobs: queued as { readonly data: TtsJobEvent; readonly attributes: Record<string, string> }[],
      events: events as { readonly data: NarrationEvent; readonly attributes: Record<string, string> }[],
      deadLetters,
    },
    logged,
    newStory: async (fields: Record<string, unknown> = {}): Promise<string> => {
      next += 1;
      const id = `story-${next}`;
      const words = { userId: 'u1', title: 'The Tide', text: 'Once upon a time.', language: 'en' };
      await firestore.doc(`stories/${id}`).set({ ...words, ...fields });
      return id;
    },
    story: async (id: string): Promise<Record<string, unknown>> =>
      (await firestore.doc(`stories/${id}`).get()).data() ?? {},
    attempt: async (id: string, jobId: string): Promise<Record<string, unknown>> =>
      (await firestore.doc(`stories/${id}/audioAttempts/${jobId}`).get()).data() ?? {},
    close: async (): Promise<void> => {
      await pubsub.close();
      await deleteApp(app);
    },
  };
};

export type Nets = Awaited<ReturnType<typeof openNets>>;
