import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { buildWorker } from '../build/index.ts';
import { inRoot } from '../paths.ts';
import { createPortPicker, type Supervised } from '../process/index.ts';
import { findEmulators } from './find.ts';
import { startFirestore, startPubsub } from './start-google.ts';

const folder = inRoot('.taleback', `test-${process.pid}`);
const started: Supervised[] = [];

/**
 * Vitest's global set-up for tests that need Google's emulators or the built worker: starts both emulators on free
 * ports, unless the environment names running ones, and ends them afterwards.
 */
export const setup = async (): Promise<void> => {
  process.env['METADATA_SERVER_DETECTION'] ??= 'none';
  process.env['GCE_METADATA_HOST'] ??= '127.0.0.1:9';
  const found = findEmulators(process.env);
  const pick = createPortPicker();
  await mkdir(folder, { recursive: true });

  const firestore = async (): Promise<void> => {
    if (found.firestore.kind === 'running') return;
    if (found.firestore.kind === 'firebase-tools')
      throw new Error('these tests need the Google Cloud CLI emulators');
    const port = await pick();
    const logFile = join(folder, 'firestore.log');
    const { file } = found.firestore;
    const rulesFile = inRoot('firestore.rules');
    started.push(
      await startFirestore({ file, port, projectId: 'demo-tests', rulesFile, cwd: folder, logFile }),
    );
    process.env['FIRESTORE_EMULATOR_HOST'] = `127.0.0.1:${port}`;
  };
  const pubsub = async (): Promise<void> => {
    if (found.pubsub.kind === 'running') return;
    if (found.pubsub.kind === 'firebase-tools')
      throw new Error('these tests need the Google Cloud CLI emulators');
    const port = await pick();
    const logFile = join(folder, 'pubsub.log');
    const { file } = found.pubsub;
    started.push(await startPubsub({ file, port, projectId: 'demo-tests', cwd: folder, logFile }));
    process.env['PUBSUB_EMULATOR_HOST'] = `127.0.0.1:${port}`;
  };
  await Promise.all([firestore(), pubsub(), buildWorker()]);
};

/** Ends what the set-up started. */
export const teardown = async (): Promise<void> => {
  await Promise.all(started.map((emulator) => emulator.stop()));
  await rm(folder, { recursive: true, force: true });
};
