import { join } from 'node:path';
import { inRoot } from '../paths.ts';
import { createPortPicker } from '../process/free-port.ts';
import { type Supervised, startSupervised } from '../process/supervised.ts';
import { type EmulatorOrigin, findEmulators } from './find.ts';
import { openPubsubProxy } from './pubsub-proxy.ts';

export interface JavaEmulatorOptions {
  /** The jar or program of the Google Cloud CLI. */
  readonly file: string;
  readonly port: number;
  readonly projectId: string;
  readonly cwd: string;
  readonly logFile: string;
}

const READY_WITHIN_MS = 60_000;

/** Starts Google's Firestore emulator with the project's rules. Its jar names no main class, so it is named here. */
export const startFirestore = (
  options: JavaEmulatorOptions & { readonly rulesFile: string },
): Promise<Supervised> =>
  startSupervised({
    name: 'Firestore emulator',
    command: 'java',
    args: [
      '-cp',
      options.file,
      'com.google.cloud.datastore.emulator.firestore.CloudFirestore',
      '--host',
      '127.0.0.1',
      '--port',
      String(options.port),
      '--rules',
      options.rulesFile,
      '--project_id',
      options.projectId,
    ],
    cwd: options.cwd,
    env: process.env,
    logFile: options.logFile,
    readyWhen: /Dev App Server is now running|Datastore Emulator is now running|is now running/,
    readyWithinMs: READY_WITHIN_MS,
  });

/** Starts Google's Pub/Sub emulator where no Firebase CLI runs it. */
export const startPubsub = (options: JavaEmulatorOptions): Promise<Supervised> =>
  startSupervised({
    name: 'Pub/Sub emulator',
    command: options.file,
    args: ['--host=127.0.0.1', `--port=${options.port}`],
    cwd: options.cwd,
    env: process.env,
    logFile: options.logFile,
    readyWhen: /Server started, listening on/,
    readyWithinMs: READY_WITHIN_MS,
  });

/** Firestore and Pub/Sub without the Firebase CLI. This process finds them through its environment. */
export interface Stores {
  /** Process of Firestore's emulator; undefined when it was running already and its process is not known. */
  readonly firestorePid: number | undefined;
  /** Ends what was started. */
  readonly stop: () => Promise<void>;
}

/** @throws Error where only the Firebase CLI has the emulator */
const fileOf = (origin: Exclude<EmulatorOrigin, { kind: 'running' }>): string => {
  if (origin.kind === 'gcloud') return origin.file;
  throw new Error('this needs the emulators of the Google Cloud CLI');
};

/** Where the process of a running Firestore emulator is named, for tests that pause it. */
const FIRESTORE_PID = 'FIRESTORE_EMULATOR_PID';

/**
 * Starts both emulators on free ports, unless the environment names running ones, and names them there. What they print
 * goes to the folder, which has to be there.
 */
export const startStores = async (folder: string): Promise<Stores> => {
  // Google's auth library would look for a metadata service.
  process.env['METADATA_SERVER_DETECTION'] ??= 'none';
  process.env['GCE_METADATA_HOST'] ??= '127.0.0.1:9';
  const found = findEmulators(process.env);
  const pick = createPortPicker();
  const started: { readonly stop: () => Promise<void> }[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((emulator) => emulator.stop()));
  };
  const common = { projectId: 'demo-tests', cwd: folder };

  const firestore = async (): Promise<void> => {
    if (found.firestore.kind === 'running') return;
    const port = await pick();
    const emulator = await startFirestore({
      ...common,
      file: fileOf(found.firestore),
      port,
      rulesFile: inRoot('firestore.rules'),
      logFile: join(folder, 'firestore.log'),
    });
    started.push(emulator);
    process.env['FIRESTORE_EMULATOR_HOST'] = `127.0.0.1:${port}`;
    process.env[FIRESTORE_PID] = String(emulator.pid);
  };
  const pubsub = async (): Promise<void> => {
    if (found.pubsub.kind === 'running') return;
    const port = await pick();
    const logFile = join(folder, 'pubsub.log');
    started.push(await startPubsub({ ...common, file: fileOf(found.pubsub), port, logFile }));
    const proxy = await openPubsubProxy(port);
    started.push({ stop: proxy.close });
    process.env['PUBSUB_EMULATOR_HOST'] = `127.0.0.1:${proxy.port}`;
  };
  const ends = await Promise.allSettled([firestore(), pubsub()]);
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed !== undefined) {
    await stop();
    throw failed.reason;
  }
  const pid = process.env[FIRESTORE_PID];
  return { firestorePid: pid === undefined ? undefined : Number(pid), stop };
};
