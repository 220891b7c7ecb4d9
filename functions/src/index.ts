import { randomUUID } from 'node:crypto';
import { getApps, initializeApp } from 'firebase-admin/app';
import { getFirestore } from 'firebase-admin/firestore';
import { type CallableRequest, HttpsError, onCall, onRequest } from 'firebase-functions/https';
import { type LogSeverity, write } from 'firebase-functions/logger';
import { defineSecret } from 'firebase-functions/params';
import { expressEdge } from './adapters/express-edge.ts';
import { createFirestoreStories } from './adapters/firestore-stories.ts';
import { createPubsubJobQueue } from './adapters/pubsub-job-queue.ts';
import { parseConfig, readEnvironment } from './config.ts';
import { createReceiver, type Log, type Receiver } from './receive/index.ts';
import { callableAnswer, type RequestOptions, requestAudio } from './request/index.ts';

const REGION = 'us-central1';
const callbackSecrets = defineSecret('CALLBACK_SECRETS');

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

const wiring = once(() => {
  const config = parseConfig(readEnvironment());
  const app = getApps()[0] ?? initializeApp();
  const stories = createFirestoreStories(getFirestore(app), { timeoutMs: config.storeTimeoutMs });
  const receiver: Receiver = createReceiver({ ...config, store: stories, log, now: Date.now });
  const requests: RequestOptions = {
    ...config,
    attempts: stories,
    stories,
    queue: createPubsubJobQueue(),
    log,
    now: Date.now,
    newId: randomUUID,
  };
  return { receiver, requests };
});

/** `/api/tts/**`: callback, error-callback, progress, health. */
export const tts = onRequest(
  { region: REGION, memory: '256MiB', concurrency: 80, invoker: 'public', secrets: [callbackSecrets] },
  expressEdge(() => wiring().receiver, log),
);

const callable = (kind: 'request' | 'retry') =>
  onCall(
    { region: REGION, memory: '256MiB', secrets: [callbackSecrets] },
    async (call: CallableRequest<unknown>) => {
      if (call.auth === undefined) throw new HttpsError('unauthenticated', 'Sign in first.');
      const answer = callableAnswer(await requestAudio(kind, call.auth.uid, call.data, wiring().requests));
      if (answer.ok) return answer.value;
      throw new HttpsError(answer.status, answer.sentence, answer.details);
    },
  );

/** A person asks for a narration of an own story. */
export const requestStoryAudio = callable('request');

/** A person presses Try Again. */
export const retryStoryAudio = callable('retry');
