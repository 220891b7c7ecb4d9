import { join } from 'node:path';
import { inRoot } from '../paths.ts';
import { createPortPicker, type Supervised } from '../process/index.ts';
import { type EmulatorOrigin, findEmulators } from './find.ts';
import { openPubsubProxy } from './pubsub-proxy.ts';
import { startFirestore, startPubsub } from './start-google.ts';

/** Firestore and Pub/Sub without the Firebase CLI. This process finds them through its environment. */
export interface Stores {
  /** Undefined when one was running already, which is then somebody else's. */
  readonly firestore: Supervised | undefined;
  /** Ends what was started. */
  readonly stop: () => Promise<void>;
}

/** @throws Error where only the Firebase CLI has the emulator */
const fileOf = (origin: Exclude<EmulatorOrigin, { kind: 'running' }>): string => {
  if (origin.kind === 'gcloud') return origin.file;
  throw new Error('this needs the emulators of the Google Cloud CLI');
};

/**
 * Starts both emulators on free ports, unless the environment names running ones, and names them there. What they print
 * goes to the folder, which has to be there.
 */
export const startStores = async (folder: string): Promise<Stores> => {
  process.env['METADATA_SERVER_DETECTION'] ??= 'none';
  process.env['GCE_METADATA_HOST'] ??= '127.0.0.1:9';
  const found = findEmulators(process.env);
  const pick = createPortPicker();
  const started: { readonly stop: () => Promise<void> }[] = [];

  const firestore = async (): Promise<Supervised | undefined> => {
    if (found.firestore.kind === 'running') return undefined;
    const port = await pick();
    const emulator = await startFirestore({
      file: fileOf(found.firestore),
      port,
      projectId: 'demo-tests',
      rulesFile: inRoot('firestore.rules'),
      cwd: folder,
      logFile: join(folder, 'firestore.log'),
    });
    started.push(emulator);
    process.env['FIRESTORE_EMULATOR_HOST'] = `127.0.0.1:${port}`;
    return emulator;
  };
  const pubsub = async (): Promise<void> => {
    if (found.pubsub.kind === 'running') return;
    const port = await pick();
    const logFile = join(folder, 'pubsub.log');
    const file = fileOf(found.pubsub);
    started.push(await startPubsub({ file, port, projectId: 'demo-tests', cwd: folder, logFile }));
    const proxy = await openPubsubProxy(port);
    started.push({ stop: proxy.close });
    process.env['PUBSUB_EMULATOR_HOST'] = `127.0.0.1:${proxy.port}`;
  };
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((emulator) => emulator.stop()));
  };
  const [ours, theirs] = await Promise.allSettled([firestore(), pubsub()]);
  if (ours.status === 'rejected' || theirs.status === 'rejected') {
    await stop();
    throw ours.status === 'rejected' ? ours.reason : (theirs as PromiseRejectedResult).reason;
  }
  return { firestore: ours.value, stop };
};
