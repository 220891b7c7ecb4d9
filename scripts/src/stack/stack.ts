import { randomBytes, randomUUID } from 'node:crypto';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type FirebasePorts,
  findEmulators,
  openPubsubProxy,
  startFirebase,
  startFirestore,
} from '../emulators/index.ts';
import { inRoot } from '../paths.ts';
import { createPortPicker, type Supervised } from '../process/index.ts';
import { addressesOf, pageConfig, type StackAddresses } from './addresses.ts';
import { type Sweeper, startSweeper } from './sweeper.ts';
import { controlFileIn, startWorker } from './worker.ts';

export interface StackOptions {
  readonly projectId?: string;
  /** Wish for the ports of firebase.json; otherwise any free ones, so that stacks run beside each other. */
  readonly wellKnownPorts?: boolean;
  readonly signatures?: 'required' | 'off';
  readonly withWorker?: boolean;
  /** Whether the scheduled sweep is called. Default: it is, where there is a worker. */
  readonly withSweeper?: boolean;
  /** Where narrations are kept. Default: in the run's own folder, which goes with it. */
  readonly audioFolder?: string;
  readonly workerEnv?: NodeJS.ProcessEnv;
  /** Told when a part of the stack serves. */
  readonly onReady?: (part: string, millis: number) => void;
}

export interface Stack {
  readonly addresses: StackAddresses;
  /** Secret that callbacks are signed with. */
  readonly secret: string;
  /** Folder of this run: logs, generated configuration. */
  readonly folder: string;
  /** A line `TTS_PROVIDER=disabled` in this file switches narration off. */
  readonly controlFile: string;
  /** The current worker; undefined when none was wanted. */
  readonly worker: () => Supervised | undefined;
  /** Starts a worker in place of one that was stopped or killed. */
  readonly restartWorker: () => Promise<Supervised>;
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
  const of = (name: keyof FirebasePorts): Promise<number> => pick(wished[name]?.port ?? 0);
  return {
    auth: await of('auth'),
    functions: await of('functions'),
    hosting: await of('hosting'),
    pubsub: await of('pubsub'),
    firestore: await of('firestore'),
    hub: await of('hub'),
    logging: await of('logging'),
    eventarc: await of('eventarc'),
    tasks: await of('tasks'),
  };
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

/** Starts the emulators and the worker, in parallel where they allow it. What was built is what runs. */
export const startStack = async (options: StackOptions = {}): Promise<Stack> => {
  const startedAt = Date.now();
  const projectId = options.projectId ?? `demo-taleback-${randomBytes(3).toString('hex')}`;
  const found = findEmulators(process.env);
  const config = JSON.parse(await readFile(inRoot('firebase.json'), 'utf8')) as Record<string, unknown>;
  const pick = createPortPicker();
  const wished = options.wellKnownPorts ? (config['emulators'] as Record<string, { port?: number }>) : {};
  const ports = await pickPorts(pick, wished);
  const audioPort = await pick(options.wellKnownPorts ? WELL_KNOWN_AUDIO_PORT : 0);
  const healthPort = await pick(options.wellKnownPorts ? WELL_KNOWN_HEALTH_PORT : 0);
  const proxy = found.pubsub.kind === 'running' ? undefined : await openPubsubProxy(ports.pubsub);
  const addresses = addressesOf(
    projectId,
    { ...ports, pubsub: proxy?.port ?? ports.pubsub, health: healthPort },
    {
      firestore: found.firestore.kind === 'running' ? found.firestore.host : undefined,
      pubsub: found.pubsub.kind === 'running' ? found.pubsub.host : undefined,
    },
  );
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  const folder = inRoot('.taleback', `run-${process.pid}-${randomUUID().slice(0, 8)}`);
  await prepareFolder(folder, secret, addresses);

  const running: Supervised[] = [];
  let worker: Supervised | undefined;
  let sweeper: Sweeper | undefined;
  const start = async (part: string, starting: Promise<Supervised>): Promise<Supervised> => {
    const started = await starting;
    running.push(started);
    options.onReady?.(part, Date.now() - startedAt);
    return started;
  };
  const launchWorker = async (): Promise<Supervised> => {
    const audioFolder = options.audioFolder ?? join(folder, 'audio');
    const env = options.workerEnv ?? {};
    worker = await start(
      'worker',
      startWorker({ addresses, secret, audioFolder, audioPort, healthPort, folder, env }),
    );
    return worker;
  };
  const stop = async (): Promise<void> => {
    await sweeper?.stop();
    await worker?.stop();
    await Promise.all(running.map((process) => process.stop()));
    await proxy?.close();
    await rm(folder, { recursive: true, force: true });
  };

  const only = ['auth', 'functions', 'hosting'];
  if (found.pubsub.kind !== 'running') only.push('pubsub');
  if (found.firestore.kind === 'firebase-tools') only.push('firestore');
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    CI: '1',
    // Express shows stack traces, with paths, outside production.
    NODE_ENV: 'production',
    PUBLIC_BASE_URL: addresses.pageUrl,
    AUDIO_PUBLIC_BASE_URL: `http://127.0.0.1:${audioPort}/audio`,
    CALLBACK_SIGNATURES: options.signatures ?? 'required',
    ...(found.firestore.kind === 'firebase-tools'
      ? {}
      : { FIRESTORE_EMULATOR_HOST: addresses.firestoreHost }),
    ...(found.pubsub.kind === 'gcloud' ? { PUBSUB_EMULATOR_BINARY_PATH: found.pubsub.file } : {}),
  };
  try {
    await Promise.all([
      found.firestore.kind === 'gcloud' &&
        start(
          'firestore',
          startFirestore({
            file: found.firestore.file,
            port: ports.firestore,
            projectId,
            rulesFile: inRoot('firestore.rules'),
            cwd: folder,
            logFile: join(folder, 'firestore.log'),
          }),
        ),
      start(
        'firebase',
        startFirebase({ folder, config, ports, projectId, only, env, logFile: join(folder, 'firebase.log') }),
      ),
    ]);
    if (options.withWorker !== false) await launchWorker();
    if (options.withSweeper ?? options.withWorker !== false) sweeper = startSweeper(addresses);
  } catch (error) {
    await stop();
    throw error;
  }
  const controlFile = controlFileIn(folder);
  return { addresses, secret, folder, controlFile, worker: () => worker, restartWorker: launchWorker, stop };
};
