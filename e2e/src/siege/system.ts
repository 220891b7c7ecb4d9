import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type Message, PubSub } from '@google-cloud/pubsub';
import { createNames, type TtsJobEvent } from '@taleback/core';
import { parseSecret } from '@taleback/core/signatures';
import { tokenOf } from '@taleback/functions/test/rules/rest-client.ts';
import { openGuardedProject, seed } from '@taleback/functions/test/rules/rules-environment.ts';
import { buildFunctions } from '@taleback/scripts/src/build/deployed.ts';
import { inRoot } from '@taleback/scripts/src/paths.ts';
import { deleteApp, initializeApp } from 'firebase-admin/app';
import { type Firestore, getFirestore } from 'firebase-admin/firestore';
import { type EventConsumer, openEventConsumer } from '../chaos/event-consumer.ts';
import { startFallingWorker, workerEnvironment } from '../chaos/falling-worker.ts';
import { HMAC_PREFIX, HMAC_SECRET } from '../chaos/handler-in-the-field.ts';
import type { Random } from '../chaos/random.ts';
import { openTroubledWay, type PassedRequest } from '../chaos/troubled-way.ts';
import { type ServedFunction, serveFunction } from '../framework.ts';

const { functions, topics } = createNames();
const TARGETS = [functions.receiver, functions.request, functions.retry, functions.sweep];

/** The schedule of a deployment is a minute. */
const SWEEP_EVERY_MS = 3_000;

export interface CallableReply {
  readonly status: number;
  readonly body: unknown;
}

/** A secret of each scheme, and the prefix of the older scheme's headers. */
export interface Secrets {
  readonly standard: Uint8Array;
  readonly hmac: string;
  readonly prefix: string;
}

const newSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;

/** The deployed functions, each in a process as Cloud Functions runs it, with a worker, over Google's emulators. */
export interface System {
  readonly projectId: string;
  readonly firestore: Firestore;
  /** Writes documents past the rules. */
  readonly seed: (documents: Readonly<Record<string, Record<string, unknown>>>) => Promise<void>;
  /** The receiver itself, behind Google's front end: what its callers write goes before their address. */
  readonly receiver: ServedFunction;
  /** The same, for honest callers: what they send is recorded. */
  readonly publicUrl: string;
  readonly recorded: readonly PassedRequest[];
  /** Of workers and handlers. */
  readonly secrets: Secrets;
  /** Of servers that request narrations. */
  readonly generateSecrets: Secrets;
  readonly audioFolder: string;
  /** Everything that was queued. */
  readonly jobs: readonly TtsJobEvent[];
  readonly consumer: EventConsumer;
  readonly callableUrl: (name: string) => string;
  /** @param token of a user of the emulator, as `tokenFor` makes it; undefined for a caller who is not signed in */
  readonly call: (name: string, data: unknown, token: string | undefined) => Promise<CallableReply>;
  readonly tokenFor: (userId: string, claims?: Readonly<Record<string, unknown>>) => string;
  /** Of each process, by its name, with the memory that the function is deployed with, in MiB; a worker has no limit. */
  readonly processes: ReadonlyMap<
    string,
    { readonly pid: () => number; readonly limitMb: number | undefined }
  >;
  readonly close: () => Promise<void>;
}

/** What each function of a built folder is deployed with, in MiB. */
const readMemory = async (
  dist: string,
  env: NodeJS.ProcessEnv,
): Promise<Readonly<Record<string, number>>> => {
  const script = `const all = await import(${JSON.stringify(join(dist, 'index.js'))});
    const memory = Object.entries(all).map(([name, { __endpoint: at }]) => [name, at?.availableMemoryMb]);
    console.log(JSON.stringify(Object.fromEntries(memory)));
    process.exit();`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    env,
  });
  return JSON.parse(stdout) as Record<string, number>;
};

/** Starts everything in a project of its own. */
export const openSystem = async (folder: string, random: Random): Promise<System> => {
  const closing: (() => unknown)[] = [];
  const close = async (): Promise<void> => {
    for (const end of closing.toReversed()) await end();
  };
  try {
    const project = await openGuardedProject();
    closing.push(() => project.cleanup());
    const { projectId } = project;
    const app = initializeApp({ projectId }, projectId);
    closing.push(() => deleteApp(app));
    const consumer = await openEventConsumer(projectId, random.fork('events'));
    closing.push(consumer.close);
    const pubsub = new PubSub({ projectId });
    closing.push(() => pubsub.close());
    const [topic] = await pubsub.createTopic(topics.jobs);
    const [subscription] = await topic.createSubscription('siege');
    const jobs: TtsJobEvent[] = [];
    subscription.on('error', () => {});
    subscription.on('message', (message: Message) => {
      jobs.push(JSON.parse(message.data.toString('utf8')) as TtsJobEvent);
      message.ack();
    });
    const recorded: PassedRequest[] = [];
    const front = await openTroubledWay(random.fork('front'), (request) => recorded.push(request));
    closing.push(front.close);
    await front.calm();

    const dist = join(folder, 'functions');
    await buildFunctions({ target: dist, environment: inRoot('functions') });
    const [secret, generateSecret, generateHmac] = [
      newSecret(),
      newSecret(),
      randomBytes(24).toString('hex'),
    ];
    const audioFolder = join(folder, 'audio');
    await mkdir(audioFolder, { recursive: true });
    const environment = {
      GCLOUD_PROJECT: projectId,
      GOOGLE_CLOUD_PROJECT: projectId,
      CALLBACK_SECRETS: `${secret},hmac_${HMAC_SECRET}`,
      GENERATE_SECRETS: `${generateSecret},hmac_${generateHmac}`,
      HMAC_HEADER_PREFIX: HMAC_PREFIX,
      PUBLIC_BASE_URL: front.url,
      // No job goes to RunPod; its webhook is there.
      RUNPOD_API_KEY: 'key',
      RUNPOD_ENDPOINT_ID: 'endpoint',
      // Tokens of the emulator have no signature.
      FIREBASE_DEBUG_MODE: 'true',
      FIREBASE_DEBUG_FEATURES: '{"skipTokenVerification":true}',
    };
    const memory = await readMemory(dist, { ...process.env, ...environment });
    const served = new Map<string, ServedFunction>();
    const serve = async (target: string): Promise<void> => {
      // As large as Node makes it in a container of that much memory.
      const heapMb = Math.floor((memory[target] ?? 0) / 2);
      const options = { ...environment, NODE_OPTIONS: `--max-old-space-size=${heapMb}` };
      const one = await serveFunction(dist, target, folder, options);
      served.set(target, one);
      closing.push(() => one.stop());
    };
    await Promise.all(TARGETS.map(serve));
    const functionOf = (target: string): ServedFunction => {
      const found = served.get(target);
      if (found === undefined) throw new Error(`${target} is not served`);
      return found;
    };
    const receiver = functionOf(functions.receiver);
    front.leadTo(receiver.baseUrl);
    const worker = startFallingWorker(
      {
        ...workerEnvironment(projectId, secret, audioFolder),
        OUTBOX_FOLDER: join(folder, 'outbox'),
        SPEECH_CACHE_FOLDER: join(folder, 'cache'),
        HEARTBEAT_URL: `${front.url}/api/tts/heartbeat`,
      },
      join(folder, 'worker.log'),
    );
    closing.push(worker.stop);
    await worker.ready;

    const sweep = async (): Promise<void> => {
      const answer = await fetch(functionOf(functions.sweep).baseUrl, { method: 'POST' });
      await answer.arrayBuffer();
      if (answer.status !== 200) throw new Error(`the sweep answered ${answer.status}`);
    };
    const stopping = new AbortController();
    const sweeping = (async () => {
      while (!stopping.signal.aborted) {
        await sweep();
        await sleep(SWEEP_EVERY_MS);
      }
    })();
    sweeping.catch(() => {});
    closing.push(() => {
      stopping.abort();
      return sweeping;
    });
    return {
      projectId,
      firestore: getFirestore(app),
      seed: (stories) => seed(project, stories),
      receiver,
      publicUrl: front.url,
      recorded,
      secrets: { standard: parseSecret(secret), hmac: HMAC_SECRET, prefix: HMAC_PREFIX },
      generateSecrets: { standard: parseSecret(generateSecret), hmac: generateHmac, prefix: HMAC_PREFIX },
      audioFolder,
      jobs,
      consumer,
      callableUrl: (name) => functionOf(name).baseUrl,
      call: async (name, data, token) => {
        const answer = await fetch(functionOf(name).baseUrl, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          },
          body: JSON.stringify({ data }),
        });
        return { status: answer.status, body: await answer.json() };
      },
      tokenFor: (userId, claims = {}) => tokenOf(userId, projectId, claims),
      processes: new Map([
        ...TARGETS.map(
          (target) => [target, { pid: () => functionOf(target).pid, limitMb: memory[target] }] as const,
        ),
        ['worker', { pid: worker.pid, limitMb: undefined }] as const,
      ]),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
};
