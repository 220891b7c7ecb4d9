import { randomBytes, randomUUID } from 'node:crypto';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createNames } from '@taleback/core';
import { findEmulators } from '../emulators/find.ts';
import { openPubsubProxy } from '../emulators/pubsub-proxy.ts';
import { EMULATOR_NAMES, type FirebaseJson, startFirebase } from '../emulators/start-firebase.ts';
import { JAVA_ENV, startFirestore } from '../emulators/stores.ts';
import { inRoot } from '../paths.ts';
import { createPortPicker } from '../process/free-port.ts';
import type { Supervised } from '../process/supervised.ts';
import { pageConfig, type StackAddresses } from './addresses.ts';
import { startSweeper, startWorker } from './worker.ts';

export interface StackOptions {
  /** Prefer the ports of firebase.json; otherwise any free ones, so that stacks run beside each other. */
  readonly wellKnownPorts?: boolean;
  /** Whether a worker is started, and the scheduled sweep called. Default true. */
  readonly withWorker?: boolean;
  readonly workerEnv?: NodeJS.ProcessEnv;
  /** Called when a part of the stack serves. */
  readonly onReady?: (part: string) => void;
}

/** The ports that the worker serves audio and its health on when they are free. */
const WORKER_PORTS = { audio: { port: 8787 }, health: { port: 9464 } } as const;
const PORT_NAMES = [...EMULATOR_NAMES, 'audio', 'health'] as const;
type Ports = Readonly<Record<(typeof PORT_NAMES)[number], number>>;

const local = (port: number): string => `127.0.0.1:${port}`;

const pickPorts = async (wished: FirebaseJson['emulators']): Promise<Ports> => {
  const pick = createPortPicker();
  const ports: Partial<Record<keyof Ports, number>> = {};
  for (const name of PORT_NAMES) ports[name] = await pick(wished[name]?.port);
  return ports as Ports;
};

const newSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;

/** The folder that one run deploys from, with the secrets and the addresses that only this run has. */
const prepareFolder = async (
  folder: string,
  secrets: Readonly<Record<string, string>>,
  addresses: StackAddresses,
): Promise<void> => {
  await mkdir(folder, { recursive: true });
  await cp(inRoot('functions/dist'), join(folder, 'functions'), { recursive: true });
  await cp(inRoot('web/dist'), join(folder, 'public'), { recursive: true });
  const lines = Object.entries(secrets).map(([name, secret]) => `${name}=${secret}\n`);
  await writeFile(join(folder, 'functions', '.secret.local'), lines.join(''), { mode: 0o600 });
  await writeFile(join(folder, 'public', 'taleback.config.json'), JSON.stringify(pageConfig(addresses)));
};

/**
 * Starts the emulators and the worker, in parallel where they allow it. What was built is what runs. Emulators that run
 * already are used; Firestore's own is preferred to the Firebase CLI's where the Google Cloud CLI is installed.
 */
export const startStack = async (options: StackOptions = {}) => {
  const { wellKnownPorts = false, withWorker = true, workerEnv, onReady } = options;
  const { firestore, pubsub } = findEmulators(process.env);
  const config = JSON.parse(await readFile(inRoot('firebase.json'), 'utf8')) as FirebaseJson;
  const ports = await pickPorts(wellKnownPorts ? { ...config.emulators, ...WORKER_PORTS } : {});
  const proxy = pubsub.kind === 'running' ? undefined : await openPubsubProxy(ports.pubsub);
  const pageUrl = `http://${local(ports.hosting)}`;
  const addresses: StackAddresses = {
    projectId: `demo-taleback-${randomBytes(3).toString('hex')}`,
    region: createNames().region,
    pageUrl,
    callbackUrl: `${pageUrl}/api/tts/callback`,
    authHost: local(ports.auth),
    firestoreHost: firestore.kind === 'running' ? firestore.host : local(ports.firestore),
    functionsHost: local(ports.functions),
    pubsubHost: pubsub.kind === 'running' ? pubsub.host : local(proxy?.port ?? ports.pubsub),
    workerHealthUrl: `http://${local(ports.health)}`,
  };
  const { projectId } = addresses;
  const secret = newSecret();
  const generateSecret = newSecret();
  const folder = inRoot('.taleback', `run-${process.pid}-${randomUUID().slice(0, 8)}`);
  const controlFile = join(folder, 'control.env');
  const secrets = { CALLBACK_SECRETS: secret, GENERATE_SECRETS: generateSecret };
  await prepareFolder(folder, { ...secrets, RUNPOD_API_KEY: '-', S3_SECRET_ACCESS_KEY: '-' }, addresses);

  const running: Supervised[] = [];
  let worker: Supervised | undefined;
  let stopSweeper: (() => Promise<void>) | undefined;
  const keep = async (part: string, starting: Promise<Supervised>): Promise<Supervised> => {
    const started = await starting;
    running.push(started);
    onReady?.(part);
    return started;
  };
  const startOwnFirestore = async (): Promise<void> => {
    if (firestore.kind !== 'gcloud') return;
    const { file } = firestore;
    await keep('firestore', startFirestore({ file, port: ports.firestore, projectId, folder }));
  };
  const startRest = async (): Promise<void> => {
    const isOwnFirestore = firestore.kind !== 'firebase-tools';
    const stores = [
      ...(pubsub.kind === 'running' ? [] : ['pubsub']),
      ...(isOwnFirestore ? [] : ['firestore']),
    ];
    const env = {
      ...JAVA_ENV,
      ...process.env,
      CI: '1',
      // Express shows stack traces, with paths, outside production.
      NODE_ENV: 'production',
      // In seconds. On a busy machine the default of 10 would leave a stack without functions.
      FUNCTIONS_DISCOVERY_TIMEOUT: '240',
      PUBLIC_BASE_URL: pageUrl,
      AUDIO_PUBLIC_BASE_URL: `http://${local(ports.audio)}/audio`,
      CALLBACK_SIGNATURES: 'required',
      PRIVATE_FOLDER: join(folder, 'private'),
      // With the voice of the tour that no engine has: its story fails at the worker.
      SHARED_VOICES: 'slt,rms,awb,kal16,ghost',
      ...(isOwnFirestore ? { FIRESTORE_EMULATOR_HOST: addresses.firestoreHost } : {}),
      ...(pubsub.kind === 'gcloud' ? { PUBSUB_EMULATOR_BINARY_PATH: pubsub.file } : {}),
    };
    const only = ['auth', 'functions', 'hosting', ...stores];
    await keep('firebase', startFirebase({ folder, config, ports, projectId, only, env }));
  };
  const restartWorker = async (): Promise<void> => {
    const place = { folder, controlFile, audioPort: ports.audio, healthPort: ports.health };
    worker = await keep('worker', startWorker({ ...place, addresses, secret, env: workerEnv }));
  };
  const stopProcesses = async (): Promise<void> => {
    await stopSweeper?.();
    await worker?.stop();
    await Promise.all(running.map((process) => process.stop()));
    await proxy?.close();
  };
  const stop = async (): Promise<void> => {
    await stopProcesses();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await Promise.all([startOwnFirestore(), startRest()]);
    if (withWorker) {
      await restartWorker();
      stopSweeper = startSweeper(addresses);
    }
  } catch (error) {
    await stopProcesses(); // the logs stay
    throw error;
  }
  return {
    addresses,
    /** Callbacks are signed with it. */
    secret,
    /** Requests of servers are signed with it. */
    generateSecret,
    /** Of this run: logs, generated configuration. */
    folder,
    /** A line `TTS_PROVIDER=disabled` in this file switches narration off. */
    controlFile,
    /** The current worker; undefined without one. */
    worker: () => worker,
    /** Starts a worker in place of one that was stopped or killed. */
    restartWorker,
    stop,
  };
};
export type Stack = Awaited<ReturnType<typeof startStack>>;
