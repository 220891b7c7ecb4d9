import { randomUUID } from 'node:crypto';
import { createNames } from '@taleback/core';
import { getApps, initializeApp } from 'firebase-admin/app';
import { getFirestore } from 'firebase-admin/firestore';
import { type CallableRequest, HttpsError, onCall, onRequest } from 'firebase-functions/https';
import { type LogSeverity, write } from 'firebase-functions/logger';
import type { GlobalOptions } from 'firebase-functions/options';
import { defineSecret } from 'firebase-functions/params';
import { type Message, onMessagePublished } from 'firebase-functions/pubsub';
import { onSchedule } from 'firebase-functions/scheduler';
import { expressEdge } from './adapters/express-edge.ts';
import { createFirestoreJobs } from './adapters/firestore-jobs.ts';
import { createFirestoreOwedEvents } from './adapters/firestore-owed-events.ts';
import { createFirestoreStories } from './adapters/firestore-stories.ts';
import { createFirestoreSweep } from './adapters/firestore-sweep.ts';
import { createGcsAudioPlace } from './adapters/gcs-audio-place.ts';
import { createPubsubDeadLetters } from './adapters/pubsub-dead-letters.ts';
import { createPubsubEvents } from './adapters/pubsub-events.ts';
import { createPubsubJobQueue } from './adapters/pubsub-job-queue.ts';
import { createS3AudioPlace } from './adapters/s3-audio-place.ts';
import { createUndiciHttp } from './adapters/undici-http.ts';
import { type FunctionsConfig, parseConfig, readEnvironment } from './config.ts';
import { type DeadLetterOptions, failDeadLetter } from './dead-letter/index.ts';
import { type DispatchOptions, dispatchJob, type QueuedMessage } from './dispatch/index.ts';
import { createAnnouncingStories, publishOwed } from './events/index.ts';
import { createGenerate } from './generate/index.ts';
import { createHeartbeatStore } from './heartbeat/heartbeat-store.node.ts';
import { createReceiveHeartbeat } from './heartbeat/receive-heartbeat.ts';
import { createCallerLimits, createReceiver, type Log, type Receiver, urlSecrets } from './receive/index.ts';
import {
  type CallableAnswer,
  callableAnswer,
  type RenewOptions,
  type RequestOptions,
  renewalAnswer,
  renewAudio,
  requestAudio,
} from './request/index.ts';
import { createRunpodClient, createRunpodWebhook } from './runpod/index.ts';
import {
  type AudioPlace,
  type AudioProbe,
  createStoreAudioFinder,
  publishedAudioPlace,
  type SweepOptions,
  sweepStories as sweepOverdue,
} from './sweep/index.ts';

const { region: REGION } = createNames();
/** All secrets everywhere, because the configuration is read whole. */
const COMMON = {
  region: REGION,
  memory: '256MiB',
  secrets: [
    defineSecret('CALLBACK_SECRETS'),
    defineSecret('RUNPOD_API_KEY'),
    defineSecret('S3_SECRET_ACCESS_KEY'),
  ],
} as const satisfies GlobalOptions;

const SEVERITIES = { info: 'INFO', warn: 'WARNING', error: 'ERROR' } as const satisfies Record<
  string,
  LogSeverity
>;
const log: Log = (severity, message, fields = {}) =>
  write({ ...fields, severity: SEVERITIES[severity], message });

/** Runs once, at the first call: while a deployment is being planned there is no configuration yet. */
const once = <T>(make: () => T): (() => T) => {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
};

/** Loaded when a bucket of Cloud Storage is first asked. */
const bucketOf = (name: string) =>
  once(async () => (await import('firebase-admin/storage')).getStorage().bucket(name));

/** Where the audio is: in a bucket that is asked itself, or below a public address. */
const audioPlaceOf = (
  { audioBucket, audioBaseUrl }: FunctionsConfig,
  probe: AudioProbe,
): AudioPlace | undefined => {
  switch (audioBucket?.kind) {
    case 's3':
      return createS3AudioPlace(audioBucket);
    case 'gcs':
      return createGcsAudioPlace({ ...audioBucket, openBucket: bucketOf(audioBucket.bucket) });
    default:
      return audioBaseUrl === undefined ? undefined : publishedAudioPlace(audioBaseUrl, probe);
  }
};

const wiring = once(() => {
  const config = parseConfig(readEnvironment());
  const firestore = getFirestore(getApps()[0] ?? initializeApp());
  const away = { timeoutMs: config.storeTimeoutMs };
  const same = { ...config, log, now: Date.now };
  const silentStories = createFirestoreStories(firestore, away);
  const announcing =
    config.events === 'off'
      ? undefined
      : {
          ...same,
          events: createPubsubEvents(),
          owed: createFirestoreOwedEvents(firestore, away),
        };
  const stories =
    announcing === undefined ? silentStories : createAnnouncingStories(silentStories, announcing);
  const requests: RequestOptions = {
    ...same,
    attempts: stories,
    stories,
    queue: createPubsubJobQueue(),
    newId: randomUUID,
  };

  const heartbeats = createHeartbeatStore(firestore, away);
  const http = createUndiciHttp();
  const jobs = createFirestoreJobs(firestore, away);
  const urlKeys = urlSecrets(config.secrets);
  const runpod = config.runpod && createRunpodClient({ ...config.runpod, http: http.runpod, now: Date.now });
  const webhook =
    runpod &&
    createRunpodWebhook({
      ...same,
      stories,
      jobs,
      secrets: urlKeys,
      confirmWith: config.runpod?.confirmWebhooks ? runpod : undefined,
    });
  const receiver: Receiver = createReceiver({
    ...same,
    store: stories,
    callerLimits: createCallerLimits(config.callers),
    generate: createGenerate(requests),
    heartbeat: createReceiveHeartbeat({ ...same, keep: heartbeats.keep }),
    webhook,
  });

  const [urlSecret] = urlKeys;
  const dispatch: DispatchOptions | undefined =
    config.dispatchTarget === 'runpod' && config.runpod && runpod && urlSecret !== undefined
      ? {
          ...same,
          runpod,
          jobs,
          stories,
          deadLetters: createPubsubDeadLetters(),
          order: { ...config.runpod, webhookUrl: config.webhookUrl, urlSecret },
        }
      : undefined;
  const audio = audioPlaceOf(config, http.probe);
  const renewal: RenewOptions = { ...same, addresses: silentStories, audioUrlOf: audio?.urlOf };
  const sweep: SweepOptions = {
    ...same,
    stories,
    runpod,
    findAudio: audio && createStoreAudioFinder(audio),
    overdue: createFirestoreSweep(firestore, away),
    requests,
  };
  const deadLetter: DeadLetterOptions = { ...same, stories };
  return {
    receiver,
    trustedProxyHops: config.trustedProxyHops,
    requests,
    renewal,
    dispatch,
    sweep,
    heartbeats,
    deadLetter,
    announcing,
  };
});

/** The platform takes bodies of up to 32 MiB into memory before any of our code runs; so few fit beside each other. */
const TTS_CONCURRENCY = 12;

/** `/api/tts/**`: callback, error-callback, progress, generate, heartbeat, runpod-webhook, health. */
export const tts = onRequest(
  { ...COMMON, memory: '512MiB', concurrency: TTS_CONCURRENCY, invoker: 'public' },
  expressEdge(wiring, log),
);

const callable = <Value>(answerTo: (userId: string, data: unknown) => Promise<CallableAnswer<Value>>) =>
  onCall(COMMON, async (call: CallableRequest<unknown>) => {
    if (call.auth === undefined) throw new HttpsError('unauthenticated', 'Sign in first.');
    const answer = await answerTo(call.auth.uid, call.data);
    if (answer.ok) return answer.value;
    throw new HttpsError(answer.status, answer.sentence, answer.details);
  });

/** A person asks for a narration of an own story. */
export const requestStoryAudio = callable(async (userId, data) =>
  callableAnswer(await requestAudio('request', userId, data, wiring().requests)),
);

/** A person presses Try Again. */
export const retryStoryAudio = callable(async (userId, data) =>
  callableAnswer(await requestAudio('retry', userId, data, wiring().requests)),
);

/** A person's page could not play an own story: its signed address may have run out. */
export const renewStoryAudio = callable(async (userId, data) =>
  renewalAnswer(await renewAudio(userId, data, wiring().renewal)),
);

const queuedMessage = ({ data, attributes }: Message<unknown>): QueuedMessage => ({
  data: Buffer.from(data, 'base64'),
  attributes,
});

/** Four tries of ten seconds each and the waits between them, with room for Firestore. */
const DISPATCH_TIMEOUT_SECONDS = 120;

/** Sends queued jobs to RunPod; where workers pull them themselves, it lets them pass. */
export const dispatchTtsJob = onMessagePublished(
  { ...COMMON, topic: createNames().topics.jobs, retry: true, timeoutSeconds: DISPATCH_TIMEOUT_SECONDS },
  async (event) => {
    const { dispatch } = wiring();
    if (dispatch !== undefined) await dispatchJob(queuedMessage(event.data.message), dispatch);
  },
);

/** Tells stories that nobody could take their jobs. */
export const ttsDeadLetter = onMessagePublished(
  { ...COMMON, topic: createNames().topics.deadLetters, retry: true },
  async (event) => {
    await failDeadLetter(queuedMessage(event.data.message), wiring().deadLetter);
  },
);

/** Ends, every minute, what nobody else ended, and tells what could not be told. */
export const sweepStories = onSchedule(
  { ...COMMON, schedule: 'every 1 minutes', timeoutSeconds: 120, maxInstances: 1 },
  async () => {
    const { sweep, heartbeats, announcing } = wiring();
    await sweepOverdue(sweep);
    await heartbeats.sweep(Date.now());
    if (announcing !== undefined) await publishOwed(announcing);
  },
);
