import { randomBytes, randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PubSub } from '@google-cloud/pubsub';
import { createNames, DEFAULT_STORY_LIMITS, type Log } from '@taleback/core';
import { parseSecret } from '@taleback/core/signatures';
import { createOwedEvents } from '@taleback/functions/src/events/owed-events.node.ts';
import { publishOwed } from '@taleback/functions/src/events/publish-owed.ts';
import {
  createDeadLetters,
  createEvents,
  createJobQueue,
} from '@taleback/functions/src/events/pubsub.node.ts';
import type { JobQueue } from '@taleback/functions/src/request/open-attempt.ts';
import { nodeEdge } from '@taleback/functions/src/http/edge.node.ts';
import { createReceiver } from '@taleback/functions/src/http/router.ts';
import { requestAudio, type RequestOptions } from '@taleback/functions/src/request/request-audio.ts';
import { createFirestoreStories } from '@taleback/functions/src/stories/firestore-stories.node.ts';
import {
  type AudioProbe,
  createAudioFinder,
  publishedAudioPlace,
} from '@taleback/functions/src/sweep/find-audio.ts';
import { sweepStories } from '@taleback/functions/src/sweep/sweep.ts';
import { deleteApp, initializeApp } from 'firebase-admin/app';
import { AggregateField, FieldValue, getFirestore } from 'firebase-admin/firestore';
import { openEventConsumer } from './event-consumer.ts';
import { workerEnvironment } from './falling-worker.ts';
import { HMAC_PREFIX, HMAC_SECRET } from './handler-in-the-field.ts';
import type { Random } from './random.ts';
import type { StormRunpod } from './runpod.ts';
import { serve } from './serve.ts';
import type { Tale } from './tales.ts';

export interface PlatformOptions {
  readonly seed: number;
  readonly random: Random;
  readonly runpod: StormRunpod;
  /** Where workers reach the receiver. */
  readonly publicUrl: string;
  readonly audioFolder: string;
  /** Lines of the functions' log. */
  readonly log: Log;
}

/** Short, so that a story without another end is swept within a storm's time. */
const PENDING_LEASE_MS = 12_000;
const PROCESSING_LEASE_MS = 6_000;
const STORE_TIMEOUT_MS = 4_000;
const AUTO_RETRY = { limit: 6, delaysMs: [500, 1_000, 2_000] } as const;
const AUDIO_URL = 'http://audio.example';
/** Tries of a person whose request finds Firestore away. */
const ASKS = 20;
/** Jobs that go to RunPod, the automatic retries among them. */
const RUNPOD_SHARE = 0.25;
const RUNPOD_ORDER = { executionTimeoutMs: 60_000, ttlMs: 600_000 } as const;
/** Publications of events that fail, once before and once after Pub/Sub has the event. */
const EVENT_LOSS = 0.1;

/** Looks into the folder that the workers write to, as a HEAD request to its server would. */
const probeIn =
  (folder: string): AudioProbe =>
  async (url) => {
    try {
      const { size } = await stat(join(folder, decodeURIComponent(new URL(url).pathname)));
      return { status: 200, contentType: 'audio/mpeg', sizeBytes: size };
    } catch {
      return { status: 404, contentType: undefined, sizeBytes: Number.NaN };
    }
  };

/** The functions, mounted in this process as their entry mounts them, over a project of their own. */
export const openPlatform = async (options: PlatformOptions) => {
  const { seed, random, runpod, publicUrl, audioFolder, log } = options;
  const projectId = `demo-storm-${seed}-${randomUUID().slice(0, 6)}`;
  const app = initializeApp({ projectId }, projectId);
  const firestore = getFirestore(app);
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  const now = Date.now;
  const leases = { pendingLeaseMs: PENDING_LEASE_MS, processingLeaseMs: PROCESSING_LEASE_MS };
  const stories = createFirestoreStories(firestore, { timeoutMs: STORE_TIMEOUT_MS });
  const consumer = await openEventConsumer(projectId, random.fork('consumer'));
  const events = createEvents({ projectId });
  const lossyEvents: typeof events = {
    publish: async (event) => {
      if (random.chance(EVENT_LOSS)) throw new Error('not published');
      await events.publish(event);
      if (random.chance(EVENT_LOSS)) throw new Error('published, without an answer');
    },
  };
  const owed = createOwedEvents(firestore, { timeoutMs: STORE_TIMEOUT_MS });
  const publishing = { events: lossyEvents, owed };
  const common = { log, now, autoRetry: AUTO_RETRY, publishing, stories, ...leases };
  const key = parseSecret(secret);
  const toWorkers = createJobQueue({ projectId });
  const deadLetters = createDeadLetters({ projectId });
  const order = { ...RUNPOD_ORDER, webhookUrl: `${publicUrl}/api/tts/runpod-webhook`, urlSecret: key };
  const queue: JobQueue = {
    publish: async (job) => {
      if (!random.chance(RUNPOD_SHARE)) return toWorkers.publish(job);
      // The queue has the job now; what becomes of it is not the requester's matter.
      void runpod.dispatch(job, { ...common, deadLetters, order });
    },
  };
  const callbackUrl = `${publicUrl}/api/tts/callback`;
  const requests: RequestOptions = {
    ...common,
    queue,
    limits: DEFAULT_STORY_LIMITS,
    defaultVoice: 'slt',
    sharedVoices: ['ghost'],
    callbackUrl,
    newId: randomUUID,
  };
  const receiver = createReceiver({
    ...common,
    signatures: 'required',
    secrets: { standard: [key], hmac: [HMAC_SECRET] },
    hmacHeaderPrefix: HMAC_PREFIX,
    runpod: runpod.client,
    webhook: { ...common, secrets: [key], confirmWith: runpod.client },
  });
  const server = await serve(nodeEdge(receiver));
  const { collections, subscriptions } = createNames();
  const storiesOf = firestore.collection(collections.stories);
  const pubsub = new PubSub({ projectId });
  const failed = storiesOf.where('audioStatus', '==', 'failed').select();

  return {
    url: server.url,
    firestore,
    callbackUrl,
    consumer,
    workerEnvironment: workerEnvironment(projectId, secret, audioFolder),
    /** Writes the stories down, as the page does. */
    plant: async (tales: readonly Tale[]): Promise<void> => {
      const writer = firestore.bulkWriter();
      for (const { id, userId, title, text, voiceId } of tales) {
        const createdAt = FieldValue.serverTimestamp();
        const story = { userId, title, text, language: 'en', voiceId, storyType: 'user' };
        void writer.set(storiesOf.doc(id), { ...story, createdAt, updatedAt: createdAt });
      }
      await writer.close();
    },
    /** A person asks for a narration, or presses Try Again; Pub/Sub delivers the job so many times. */
    ask: async (
      { id, userId }: Tale,
      deliveries: number,
      kind: 'request' | 'retry' = 'request',
    ): Promise<void> => {
      const doubled: JobQueue = {
        publish: async (job) => {
          for (let delivery = 0; delivery < deliveries; delivery += 1) await queue.publish(job);
        },
      };
      for (let ask = 0; ask < ASKS; ask += 1) {
        const answer = await requestAudio(kind, userId, { storyId: id }, { ...requests, queue: doubled });
        if (answer.kind !== 'store-away') return;
        await sleep(500);
      }
      throw new Error(`${id} could not be asked for: Firestore was away ${ASKS} times`);
    },
    /** Those that could be narrated and have failed. */
    listFailed: async (tales: readonly Tale[]): Promise<readonly Tale[]> => {
      const ids = new Set((await failed.get()).docs.map(({ id }) => id));
      return tales.filter(({ id, fault }) => fault === undefined && ids.has(id));
    },
    sweep: async () => {
      const findAudio = createAudioFinder(publishedAudioPlace(AUDIO_URL, probeIn(audioFolder)));
      await sweepStories({ ...common, requests, findAudio, runpod: runpod.client });
      await publishOwed({ ...common, ...publishing, minAgeMs: 2_000 });
    },
    /** Deletes the workers' subscription with the jobs in it. */
    loseSubscription: async (): Promise<void> => {
      // The workers may not have created it again since the last time.
      await pubsub
        .subscription(subscriptions.jobs)
        .delete({ timeout: 2_000 })
        .catch(() => {});
    },
    /** Whether every story has come to its end, and its events to their consumer. */
    isSettled: async (): Promise<boolean> => {
      const [underWay, toRetry, ends, unpublished] = await Promise.all([
        storiesOf.where('audioStatus', 'in', ['pending', 'processing']).count().get(),
        storiesOf.where('audioRetryAt', '>', new Date(0)).count().get(),
        storiesOf.aggregate({ all: AggregateField.sum('audioEventSequence') }).get(),
        owed.list(Date.now() + 60_000, 1),
      ]);
      const isPublished = unpublished.kind === 'owed' && unpublished.events.length === 0;
      const isConsumed = consumer.events.size === ends.data().all;
      return underWay.data().count === 0 && toRetry.data().count === 0 && isPublished && isConsumed;
    },
    close: async () => {
      await consumer.close();
      await pubsub.close();
      await server.close();
      await deleteApp(app);
    },
  };
};
export type Platform = Awaited<ReturnType<typeof openPlatform>>;
