import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Message, PubSub } from '@google-cloud/pubsub';
import { createNames, type TtsJobEvent } from '@taleback/core';
import { parseSecret } from '@taleback/core/signatures';
import { MEMORY } from '@taleback/functions/src/deployment.ts';
import { tokenOf } from '@taleback/functions/test/rules/rest-client.ts';
import { openGuardedProject, seed } from '@taleback/functions/test/rules/rules-environment.ts';
import { buildFunctions } from '@taleback/scripts/src/build/deployed.ts';
import { inRoot } from '@taleback/scripts/src/paths.ts';
import { deleteApp, initializeApp } from 'firebase-admin/app';
import { getFirestore } from 'firebase-admin/firestore';
import { openEventConsumer } from '../chaos/event-consumer.ts';
import { startFallingWorker, workerEnvironment } from '../chaos/falling-worker.ts';
import { HMAC_PREFIX, HMAC_SECRET } from '../chaos/handler-in-the-field.ts';
import type { Random } from '../chaos/random.ts';
import { openTroubledWay, type PassedRequest } from '../chaos/troubled-way.ts';
import { mebibytesOf, type ServedFunction, serveFunction } from '../framework.ts';

/** Of every function: `tts` has more for large bodies only. */
const LIMIT_MIB = mebibytesOf(MEMORY.other);

const { functions, topics } = createNames();
const SERVED = [
  functions.receiver,
  functions.request,
  functions.retry,
  functions.deleteStory,
  functions.deleteMyData,
  functions.sweep,
];
const REPORT_HEAP = import.meta.resolve('./report-heap.ts');
/** The schedule of a deployment is a minute. */
const SWEEP_EVERY_MS = 3_000;

const newKey = (): string => `whsec_${randomBytes(32).toString('base64')}`;

export type System = Awaited<ReturnType<typeof openSystem>>;

/**
 * The built functions, each in a process as Cloud Functions runs it, with a worker and sweeps, over Google's emulators, in
 * a project of its own.
 */
export const openSystem = async (folder: string, random: Random) => {
  const project = await openGuardedProject();
  const { projectId } = project;
  const app = initializeApp({ projectId }, projectId);
  const consumer = await openEventConsumer(projectId, random.fork('events'));
  const pubsub = new PubSub({ projectId });
  const [topic] = await pubsub.createTopic(topics.jobs);
  const [subscription] = await topic.createSubscription('siege');
  const jobs: TtsJobEvent[] = [];
  subscription.setOptions({ streamingOptions: { maxStreams: 1 } });
  subscription.on('error', () => {});
  subscription.on('message', (message: Message) => {
    jobs.push(JSON.parse(message.data.toString('utf8')) as TtsJobEvent);
    message.ack();
  });
  const recorded: PassedRequest[] = [];
  const front = await openTroubledWay(random.fork('front'), (request) => recorded.push(request));
  await front.calm();
  const [key, generateKey, generateHmac] = [newKey(), newKey(), randomBytes(24).toString('hex')];
  const [dist, audioFolder] = [join(folder, 'functions'), join(folder, 'audio')];
  await mkdir(audioFolder, { recursive: true });
  await buildFunctions({ target: dist, environment: inRoot('functions') });
  const environment = {
    GCLOUD_PROJECT: projectId,
    GOOGLE_CLOUD_PROJECT: projectId,
    CALLBACK_SECRETS: `${key},hmac_${HMAC_SECRET}`,
    GENERATE_SECRETS: `${generateKey},hmac_${generateHmac}`,
    HMAC_HEADER_PREFIX: HMAC_PREFIX,
    PUBLIC_BASE_URL: front.url,
    // No job goes to RunPod; its webhook is there.
    RUNPOD_API_KEY: 'key',
    RUNPOD_ENDPOINT_ID: 'endpoint',
    // Tokens of the emulator have no signature.
    FIREBASE_DEBUG_MODE: 'true',
    FIREBASE_DEBUG_FEATURES: '{"skipTokenVerification":true}',
  };
  const served = new Map<string, ServedFunction>();
  const heapFileOf = (target: string): string => join(folder, `${target}.heap`);
  const serve = async (target: string): Promise<void> => {
    // The heap is as large as Node makes it in a container of that much memory.
    const options = {
      ...environment,
      NODE_OPTIONS: `--max-old-space-size=${LIMIT_MIB / 2} --import=${REPORT_HEAP}`,
      HEAP_FILE: heapFileOf(target),
    };
    served.set(target, await serveFunction(dist, target, folder, options));
  };
  await Promise.all(SERVED.map(serve));
  const functionOf = (target: string): ServedFunction => served.get(target) as ServedFunction;
  front.leadTo(functionOf(functions.receiver).baseUrl);
  const worker = startFallingWorker(
    {
      ...workerEnvironment(projectId, key, audioFolder),
      OUTBOX_FOLDER: join(folder, 'outbox'),
      SPEECH_CACHE_FOLDER: join(folder, 'cache'),
      HEARTBEAT_URL: `${front.url}/api/tts/heartbeat`,
    },
    join(folder, 'worker.log'),
  );
  await worker.ready;
  const stopping = new AbortController();
  const sweepAlways = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      // The next one makes up for a failure.
      await fetch(functionOf(functions.sweep).baseUrl, { method: 'POST' }).catch(() => {});
      await sleep(SWEEP_EVERY_MS);
    }
  };
  const sweeping = sweepAlways();
  return {
    projectId,
    firestore: getFirestore(app),
    /** Writes documents past the rules. */
    seed: (documents: Parameters<typeof seed>[1]) => seed(project, documents),
    /** The receiver behind Google's front end: what its callers write goes before their address. */
    receiverUrl: functionOf(functions.receiver).baseUrl,
    /** The same, for honest callers: what they send is recorded. */
    publicUrl: front.url,
    recorded: recorded as readonly PassedRequest[],
    /** Of workers and handlers: a secret of each scheme, and the prefix of the older scheme's headers. */
    secrets: { standard: parseSecret(key), hmac: HMAC_SECRET, prefix: HMAC_PREFIX },
    /** Of servers that request narrations. */
    generateSecrets: { standard: parseSecret(generateKey), hmac: generateHmac, prefix: HMAC_PREFIX },
    audioFolder,
    /** Everything that was queued. */
    jobs: jobs as readonly TtsJobEvent[],
    consumer,
    callableUrl: (name: string): string => functionOf(name).baseUrl,
    /** @returns the status that a callable answers to a user, or to one who is not signed in */
    call: async (name: string, data: unknown, userId?: string, claims = {}): Promise<number> => {
      const token = userId === undefined ? '' : tokenOf(userId, projectId, claims);
      const answer = await fetch(functionOf(name).baseUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
        body: JSON.stringify({ data }),
      });
      await answer.arrayBuffer();
      return answer.status;
    },
    /** The id of each process, and the memory that it may have, in MiB; a worker has no limit, and reports no heap. */
    processes: [
      ...[...served].map(([name, { pid }]) => ({
        name,
        pid,
        limitMib: LIMIT_MIB,
        heapFile: heapFileOf(name),
      })),
      { name: 'worker', pid: worker.pid(), limitMib: Infinity, heapFile: undefined },
    ],
    close: async (): Promise<void> => {
      stopping.abort();
      await sweeping;
      await worker.stop();
      await Promise.all([...served.values()].map((one) => one.stop()));
      await Promise.all([front.close(), consumer.close(), pubsub.close(), project.cleanup(), deleteApp(app)]);
    },
  };
};
