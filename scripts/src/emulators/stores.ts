import { inRoot } from '../paths.ts';
import { createPortPicker } from '../process/free-port.ts';
import { type Supervised, startSupervised } from '../process/supervised.ts';
import { type EmulatorOrigin, findEmulators } from './find.ts';
import { openPubsubProxy } from './pubsub-proxy.ts';

const READY_WITHIN_MS = 120_000;
/** Without the slow compiler, which never pays here: 14 s of CPU time for the first 2,400 writes instead of 29. */
const JAVA_OPTIONS = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];
/** The same for the Pub/Sub emulator, which a script starts. */
export const JAVA_ENV = { JAVA_OPTS: JAVA_OPTIONS.join(' ') };

export interface FirestoreOptions {
  /** The jar of the Google Cloud CLI. It names no main class. */
  readonly file: string;
  readonly port: number;
  readonly projectId: string;
  /** For its log. */
  readonly folder: string;
}

/** Starts Google's Firestore emulator with the project's rules. */
export const startFirestore = ({ file, port, projectId, folder }: FirestoreOptions): Promise<Supervised> => {
  const main = ['-cp', file, 'com.google.cloud.datastore.emulator.firestore.CloudFirestore'];
  const address = ['--host', '127.0.0.1', '--port', String(port)];
  const project = ['--rules', inRoot('firestore.rules'), '--project_id', projectId];
  return startSupervised({
    name: 'Firestore emulator',
    command: ['java', ...JAVA_OPTIONS, ...main, ...address, ...project],
    folder,
    log: 'firestore',
    readyWhen: /is now running/,
    readyWithinMs: READY_WITHIN_MS,
  });
};

/** @throws Error where only the Firebase CLI has the emulator */
const fileOf = (origin: Exclude<EmulatorOrigin, { kind: 'running' }>): string => {
  if (origin.kind === 'gcloud') return origin.file;
  throw new Error('this needs the emulators of the Google Cloud CLI');
};

/** Where the process of a running Firestore emulator is named, for tests that pause it. */
const FIRESTORE_PID = 'FIRESTORE_EMULATOR_PID';

/**
 * Starts the emulators of Firestore and Pub/Sub without the Firebase CLI, on free ports, unless the environment names
 * running ones, and names them there. What they print goes to the folder, which has to be there.
 */
export const startStores = async (folder: string) => {
  // Google's auth library would look for a metadata service.
  process.env['METADATA_SERVER_DETECTION'] ??= 'none';
  process.env['GCE_METADATA_HOST'] ??= '127.0.0.1:9';
  const found = findEmulators(process.env);
  const pick = createPortPicker();
  const started: Pick<Supervised, 'stop'>[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((emulator) => emulator.stop()));
  };

  const firestore = async (): Promise<void> => {
    if (found.firestore.kind === 'running') return;
    const port = await pick();
    const file = fileOf(found.firestore);
    const emulator = await startFirestore({ file, port, projectId: 'demo-tests', folder });
    started.push(emulator);
    process.env['FIRESTORE_EMULATOR_HOST'] = `127.0.0.1:${port}`;
    process.env[FIRESTORE_PID] = String(emulator.pid);
  };
  const pubsub = async (): Promise<void> => {
    if (found.pubsub.kind === 'running') return;
    const port = await pick();
    const emulator = await startSupervised({
      name: 'Pub/Sub emulator',
      command: [fileOf(found.pubsub), '--host=127.0.0.1', `--port=${port}`],
      env: { ...JAVA_ENV, ...process.env },
      folder,
      log: 'pubsub',
      readyWhen: /Server started, listening on/,
      readyWithinMs: READY_WITHIN_MS,
    });
    const proxy = await openPubsubProxy(port);
    started.push(emulator, { stop: proxy.close });
    process.env['PUBSUB_EMULATOR_HOST'] = `127.0.0.1:${proxy.port}`;
  };
  const ends = await Promise.allSettled([firestore(), pubsub()]);
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed !== undefined) {
    await stop();
    throw failed.reason;
  }
  const pid = process.env[FIRESTORE_PID];
  return {
    /** Undefined when the emulator was running already and its process is not known. */
    firestorePid: pid === undefined ? undefined : Number(pid),
    /** Ends what was started. */
    stop,
  };
};
export type Stores = Awaited<ReturnType<typeof startStores>>;
