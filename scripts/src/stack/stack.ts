import { randomBytes, randomUUID } from 'node:crypto';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type FoundEmulators, findEmulators } from '../emulators/find.ts';
import { openPubsubProxy, type Proxy } from '../emulators/pubsub-proxy.ts';
import { type FirebasePorts, PORT_NAMES, startFirebase } from '../emulators/start-firebase.ts';
import { startFirestore } from '../emulators/stores.ts';
import { inRoot } from '../paths.ts';
import { createPortPicker } from '../process/free-port.ts';
import type { Supervised } from '../process/supervised.ts';
import { addressesOf, pageConfig, type StackAddresses } from './addresses.ts';
import { controlFileIn, type Sweeper, startSweeper, startWorker } from './worker.ts';

export interface StackOptions {
  /** Prefer the ports of firebase.json; otherwise any free ones, so that stacks run beside each other. */
  readonly wellKnownPorts?: boolean;
  /** Whether a worker is started, and the scheduled sweep called. Default true. */
  readonly withWorker?: boolean;
  readonly workerEnv?: NodeJS.ProcessEnv;
  /** Called when a part of the stack serves. */
  readonly onReady?: (part: string) => void;
}

export interface Stack {
  readonly addresses: StackAddresses;
  /** Secret that callbacks are signed with. */
  readonly secret: string;
  /** Folder of this run: logs, generated configuration. */
  readonly folder: string;
  /** A line `TTS_PROVIDER=disabled` in this file switches narration off. */
  readonly controlFile: string;
  /** The current worker; undefined without one. */
  readonly worker: () => Supervised | undefined;
  /** Starts a worker in place of one that was stopped or killed. */
  readonly restartWorker: () => Promise<void>;
  /** Ends everything that was started. */
  readonly stop: () => Promise<void>;
}

/** The ports that the worker serves audio and its health on when they are free. */
const WELL_KNOWN_AUDIO_PORT = 8787;
const WELL_KNOWN_HEALTH_PORT = 9464;

const pickPorts = async (
  pick: (wished?: number) => Promise<number>,
  wished: Readonly<Record<string, { port?: number } | undefined>>,
): Promise<FirebasePorts> => {
  const ports: Partial<Record<keyof FirebasePorts, number>> = {};
  for (const name of PORT_NAMES) ports[name] = await pick(wished[name]?.port ?? 0);
  return ports as FirebasePorts;
};

/** The folder that one run deploys from, with the secret and the addresses that only this run has. */
const prepareFolder = async (folder: string, secret: string, addresses: StackAddresses): Promise<void> => {
  await mkdir(folder, { recursive: true });
  await cp(inRoot('functions/dist'), join(folder, 'functions'), { recursive: true });
  await cp(inRoot('web/dist'), join(folder, 'public'), { recursive: true });
  const secrets = `CALLBACK_SECRETS=${secret}\nRUNPOD_API_KEY=-\nS3_SECRET_ACCESS_KEY=-\n`;
  await writeFile(join(folder, 'functions', '.secret.local'), secrets, { mode: 0o600 });
  await writeFile(join(folder, 'public', 'taleback.config.json'), JSON.stringify(pageConfig(addresses)));
};

/** Where everything of a stack will be, decided before anything starts. */
interface Plan {
  readonly found: FoundEmulators;
  /** firebase.json, parsed. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly ports: FirebasePorts;
  readonly audioPort: number;
  readonly healthPort: number;
  readonly addresses: StackAddresses;
  readonly proxy: Proxy | undefined;
  readonly secret: string;
  readonly folder: string;
}

const planStack = async ({ wellKnownPorts = false }: StackOptions): Promise<Plan> => {
  const found = findEmulators(process.env);
  const config = JSON.parse(await readFile(inRoot('firebase.json'), 'utf8')) as Record<string, unknown>;
  const pick = createPortPicker();
  const wished = wellKnownPorts ? (config['emulators'] as Record<string, { port?: number }>) : {};
  const ports = await pickPorts(pick, wished);
  const audioPort = await pick(wellKnownPorts ? WELL_KNOWN_AUDIO_PORT : 0);
  const healthPort = await pick(wellKnownPorts ? WELL_KNOWN_HEALTH_PORT : 0);
  const proxy = found.pubsub.kind === 'running' ? undefined : await openPubsubProxy(ports.pubsub);
  const addresses = addressesOf(
    `demo-taleback-${randomBytes(3).toString('hex')}`,
    { ...ports, pubsub: proxy?.port ?? ports.pubsub, health: healthPort },
    {
      firestore: found.firestore.kind === 'running' ? found.firestore.host : undefined,
      pubsub: found.pubsub.kind === 'running' ? found.pubsub.host : undefined,
    },
  );
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  const folder = inRoot('.taleback', `run-${process.pid}-${randomUUID().slice(0, 8)}`);
  return { found, config, ports, audioPort, healthPort, addresses, proxy, secret, folder };
};

/** Google's own Firestore emulator, where the Google Cloud CLI is installed and none runs yet. */
const startOwnFirestore = ({ found, ports, addresses, folder }: Plan): Promise<Supervised> | undefined =>
  found.firestore.kind === 'gcloud'
    ? startFirestore({
        file: found.firestore.file,
        port: ports.firestore,
        projectId: addresses.projectId,
        rulesFile: inRoot('firestore.rules'),
        cwd: folder,
        logFile: join(folder, 'firestore.log'),
      })
    : undefined;

/** The Firebase CLI with the emulators that do not run otherwise. */
const startRest = ({ found, config, ports, addresses, audioPort, folder }: Plan): Promise<Supervised> => {
  const { firestore, pubsub } = found;
  const isOwnFirestore = firestore.kind === 'firebase-tools';
  return startFirebase({
    folder,
    config,
    ports,
    projectId: addresses.projectId,
    only: [
      'auth',
      'functions',
      'hosting',
      ...(pubsub.kind === 'running' ? [] : ['pubsub']),
      ...(isOwnFirestore ? ['firestore'] : []),
    ],
    env: {
      ...process.env,
      CI: '1',
      // Express shows stack traces, with paths, outside production.
      NODE_ENV: 'production',
      PUBLIC_BASE_URL: addresses.pageUrl,
      AUDIO_PUBLIC_BASE_URL: `http://127.0.0.1:${audioPort}/audio`,
      CALLBACK_SIGNATURES: 'required',
      ...(isOwnFirestore ? {} : { FIRESTORE_EMULATOR_HOST: addresses.firestoreHost }),
      ...(pubsub.kind === 'gcloud' ? { PUBSUB_EMULATOR_BINARY_PATH: pubsub.file } : {}),
    },
    logFile: join(folder, 'firebase.log'),
  });
};

/** Starts the emulators and the worker, in parallel where they allow it. What was built is what runs. */
export const startStack = async (options: StackOptions = {}): Promise<Stack> => {
  const plan = await planStack(options);
  const { addresses, secret, folder } = plan;
  await prepareFolder(folder, secret, addresses);

  const running: Supervised[] = [];
  let worker: Supervised | undefined;
  let sweeper: Sweeper | undefined;
  const keep = async (part: string, starting: Promise<Supervised> | undefined) => {
    const started = await starting;
    if (started === undefined) return undefined;
    running.push(started);
    options.onReady?.(part);
    return started;
  };
  const restartWorker = async (): Promise<void> => {
    worker = await keep('worker', startWorker({ ...plan, env: options.workerEnv }));
  };
  const stop = async (): Promise<void> => {
    await sweeper?.stop();
    await worker?.stop();
    await Promise.all(running.map((process) => process.stop()));
    await plan.proxy?.close();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await Promise.all([keep('firestore', startOwnFirestore(plan)), keep('firebase', startRest(plan))]);
    if (options.withWorker !== false) {
      await restartWorker();
      sweeper = startSweeper(addresses);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  const controlFile = controlFileIn(folder);
  return { addresses, secret, folder, controlFile, worker: () => worker, restartWorker, stop };
};
