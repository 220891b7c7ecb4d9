import { once } from 'node:events';
import { link, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { PubSub } from '@google-cloud/pubsub';
import { createNames } from '@taleback/core';
import { signHmac, signJobToken } from '@taleback/core/signatures';
import { recordingKey } from '@taleback/core/storage';
import { CONCURRENCY, MEMORY } from '@taleback/functions/src/deployment.ts';
import { tokenOf } from '@taleback/functions/test/rules/rest-client.ts';
import { startStores } from '@taleback/scripts/src/emulators/stores.ts';
import { deleteApp, initializeApp } from 'firebase-admin/app';
import { getFirestore } from 'firebase-admin/firestore';
import { mebibytesOf, serveFunction } from './framework.ts';

const { collections, functions, topics } = createNames();
const PROJECT = 'demo-memory';
const SECRET = 'shared-with-the-python-handlers';
const GENERATE_SECRET = 'shared-with-the-server-of-the-app';
/** The longest text that the rules allow. */
const TEXT = 'Once. '.repeat(33_333);
/** What fits into a request to `generate`, in base64. */
const RECORDING = Buffer.alloc(3_000_000, 'RIFF');
/** The largest body of RunPod's webhook has 12 MB. */
const WEBHOOK_OUTPUT = 'a'.repeat(11_900_000);
const MIB = 1_048_576;

type Send = (baseUrl: string, index: number) => Promise<Response>;

const json = { 'content-type': 'application/json' };
const userOf = (index: number): string => `reader-${index}`;
const storyOf = (index: number): string => `story-${index}`;
const jobOf = (index: number): string => `job-${index}`;

const runpodWebhook: Send = (baseUrl, index) => {
  const token = signJobToken(SECRET, storyOf(index), jobOf(index));
  const query = new URLSearchParams({ story: storyOf(index), job: jobOf(index), token });
  const report = {
    id: `rp-${index}`,
    status: 'COMPLETED',
    output: { status: 'success', notes: WEBHOOK_OUTPUT },
  };
  const body = JSON.stringify(report);
  return fetch(`${baseUrl}/api/tts/runpod-webhook?${query.toString()}`, {
    method: 'POST',
    headers: json,
    body,
  });
};
const generate: Send = (baseUrl, index) => {
  const [path, profile] = ['/api/tts/generate', RECORDING.toString('base64')];
  const ids = { story_id: `generated-${index}`, user_id: userOf(index), voice_id: 'slt' };
  const body = Buffer.from(JSON.stringify({ ...ids, text: 'Once.', profile_base64: profile }));
  const proof = signHmac(
    { method: 'POST', path, timestampMs: Date.now(), body },
    GENERATE_SECRET,
    'taleback',
  );
  return fetch(baseUrl + path, { method: 'POST', headers: { ...json, ...proof }, body });
};
const call: Send = (baseUrl, index) =>
  fetch(baseUrl, {
    method: 'POST',
    headers: { ...json, authorization: `Bearer ${tokenOf(userOf(index), PROJECT, {})}` },
    body: JSON.stringify({ data: { storyId: storyOf(index) } }),
  });
const jobEvent = (index: number) => ({
  id: jobOf(index),
  input: {
    text: TEXT,
    voice_id: 'slt',
    language: 'en',
    story_type: 'tale',
    recording_path: recordingKey({ userId: userOf(index), bytes: RECORDING, nowMs: 0 }),
    metadata: {
      story_id: storyOf(index),
      user_id: userOf(index),
      callback_url: 'http://127.0.0.1:9/',
      attempt: 1,
    },
  },
});
/** A message of Pub/Sub, as Eventarc delivers it. */
const deliver: Send = (baseUrl, index) => {
  const data = Buffer.from(JSON.stringify(jobEvent(index))).toString('base64');
  const headers = {
    ...json,
    'ce-id': String(index),
    'ce-source': '//pubsub.googleapis.com/projects/p/topics/t',
    'ce-specversion': '1.0',
    'ce-type': 'google.cloud.pubsub.topic.v1.messagePublished',
  };
  const body = JSON.stringify({
    message: { data, attributes: {}, messageId: String(index) },
    subscription: 's',
  });
  return fetch(baseUrl, { method: 'POST', headers, body });
};

/** What each function is sent, and under which name it has a concurrency. */
const FUNCTIONS: readonly (readonly [string, keyof typeof CONCURRENCY, readonly Send[]])[] = [
  ['dispatchTtsJob', 'dispatchTtsJob', [deliver]],
  [functions.sweep, 'sweepStories', [(baseUrl) => fetch(baseUrl, { method: 'POST' })]],
  [functions.receiver, 'tts', [runpodWebhook, generate]],
  ['ttsDeadLetter', 'ttsDeadLetter', [deliver]],
  ...[functions.request, functions.retry, functions.renew, functions.deleteStory, functions.deleteMyData].map(
    (name) => [name, 'callable', [call]] as const,
  ),
];
const MOST_AT_ONCE = Math.max(...Object.values(CONCURRENCY));

/** Without it, no job is queued. */
const createJobsTopic = async (): Promise<void> => {
  const pubsub = new PubSub({ projectId: PROJECT });
  await pubsub.createTopic(topics.jobs);
  await pubsub.close();
};

/** Stories under way whose leases have expired, each of a user of its own, with recordings for their jobs. */
const plant = async (privateFolder: string): Promise<void> => {
  const app = initializeApp({ projectId: PROJECT }, 'memory');
  const firestore = getFirestore(app);
  const original = join(privateFolder, 'original');
  await mkdir(privateFolder, { recursive: true });
  await writeFile(original, RECORDING);
  for (let index = 0; index < MOST_AT_ONCE; index += 1) {
    const job = {
      audioStatus: 'pending',
      audioJobId: jobOf(index),
      audioAttempt: 1,
      audioLeaseExpiresAt: new Date(0),
    };
    const story = firestore.collection(collections.stories).doc(storyOf(index));
    await story.set({ userId: userOf(index), title: 'T', text: TEXT, language: 'en', ...job });
    await story
      .collection(collections.attempts)
      .doc(jobOf(index))
      .set({ jobId: jobOf(index), number: 1, status: 'pending' });
    const recording = join(privateFolder, jobEvent(index).input.recording_path);
    await mkdir(dirname(recording), { recursive: true });
    await link(original, recording);
  }
  await deleteApp(app);
};

interface MeasuredMemory {
  readonly peakMb: number;
  /** Of the memory that the function is deployed with. */
  readonly share: number;
  /** Requests that had no answer in time, or that the function was too slow for: then the peak says too little. */
  readonly lost: number;
}

/**
 * Serves each function of a built folder as it is deployed, and sends it what costs most, as often at once as one instance
 * takes it. @returns its peak, by the function's name
 */
export const measureMemory = async (source: string, folder: string) => {
  const stores = await startStores(folder);
  const runpod = createServer((request, response) => {
    request.resume().on('end', () => response.end('{"id":"rp","status":"IN_QUEUE"}'));
  }).listen(0, '127.0.0.1');
  await once(runpod, 'listening');
  const privateFolder = join(folder, 'private');
  const environment = {
    GCLOUD_PROJECT: PROJECT,
    GOOGLE_CLOUD_PROJECT: PROJECT,
    CALLBACK_SECRETS: `hmac_${SECRET}`,
    GENERATE_SECRETS: `hmac_${GENERATE_SECRET}`,
    PRIVATE_FOLDER: privateFolder,
    MAX_STORY_CHARACTERS: String(TEXT.length),
    // The emulator takes its time for so much at once.
    STORE_TIMEOUT_SECONDS: '60',
    DISPATCH_TARGET: 'runpod',
    RUNPOD_API_KEY: 'key',
    RUNPOD_ENDPOINT_ID: 'endpoint',
    RUNPOD_API_URL: `http://127.0.0.1:${(runpod.address() as AddressInfo).port}`,
    RUNPOD_CONFIRM_WEBHOOKS: 'off',
    // Tokens of the emulator have no signature.
    FIREBASE_DEBUG_MODE: 'true',
    FIREBASE_DEBUG_FEATURES: '{"skipTokenVerification":true}',
  };
  const figures: Record<string, MeasuredMemory> = {};
  try {
    await Promise.all([createJobsTopic(), plant(privateFolder)]);
    for (const [target, kind, sends] of FUNCTIONS) {
      const memoryMib = mebibytesOf(kind === 'tts' ? MEMORY.tts : MEMORY.other);
      const isEvent = kind === 'dispatchTtsJob' || kind === 'ttsDeadLetter';
      const served = await serveFunction(source, target, folder, {
        ...environment,
        ...(isEvent ? { FUNCTION_SIGNATURE_TYPE: 'cloudevent' } : {}),
        // The heap is as large as Node makes it in a container of that much memory.
        NODE_OPTIONS: `--max-old-space-size=${memoryMib / 2}`,
      });
      try {
        const lost: unknown[] = [];
        for (const send of sends)
          await Promise.all(
            Array.from({ length: CONCURRENCY[kind] }, async (_, index) => {
              const status = await send(served.baseUrl, index).then(
                (answer) => answer.arrayBuffer().then(() => answer.status),
                () => 0,
              );
              if ([0, 408, 503].includes(status)) lost.push(status);
            }),
          );
        const peakBytes = await served.peakBytes();
        const share = peakBytes / (memoryMib * MIB);
        figures[target] = { peakMb: peakBytes / 1e6, share, lost: lost.length };
      } finally {
        await served.stop();
      }
    }
    return figures;
  } finally {
    runpod.close();
    await stores.stop();
  }
};
