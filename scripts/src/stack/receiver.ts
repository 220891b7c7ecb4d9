import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { createNames, type Log } from '@taleback/core';
import { serveReceiver } from '@taleback/functions/src/receiver.node.ts';
import { startStores } from '../emulators/stores.ts';
import { UsageError } from '../command-line.ts';
import { inRoot } from '../paths.ts';
import { createPortPicker } from '../process/free-port.ts';

/** The functions emulator creates the topic of the dispatch function; here nothing else would. */
const createJobsTopic = async (pubsub: string, project: string): Promise<void> => {
  const { topics } = createNames({ instance: process.env['TALEBACK_INSTANCE'] });
  const url = `http://${pubsub}/v1/projects/${project}/topics/${topics.jobs}`;
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(url, { method: 'PUT', headers, body: '{}' });
  if (!answer.ok && answer.status !== 409)
    throw new Error(`the Pub/Sub emulator answered ${answer.status} to the creation of ${topics.jobs}`);
};

/**
 * Starts the Firestore and Pub/Sub emulators, unless the environment names running ones, and the receiver on plain
 * `node:http`, configured by the environment: `CALLBACK_SECRETS` and all other variables of the functions, `PORT`
 * (default: any free one) and `GOOGLE_CLOUD_PROJECT` (default `demo-taleback`).
 *
 * @throws Error that names every variable at fault
 */
export const startReceiver = async (log: Log) => {
  const wished = Number(process.env['PORT'] ?? 0);
  if (!(wished >= 0 && wished <= 65_535)) throw new UsageError('PORT: must be a number from 0 to 65535');
  const port = wished === 0 ? await createPortPicker()() : wished;
  const url = `http://127.0.0.1:${port}`;
  const folder = inRoot('.taleback', `receiver-${process.pid}-${randomUUID().slice(0, 8)}`);
  await mkdir(folder, { recursive: true });
  process.env['GOOGLE_CLOUD_PROJECT'] ??= 'demo-taleback';
  const project = process.env['GOOGLE_CLOUD_PROJECT'];
  const started: (() => Promise<void>)[] = [];
  /** Ends the receiver and the emulators that were started for it. */
  const stop = async (): Promise<void> => {
    for (const end of started.toReversed()) await end();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const stores = await startStores(folder);
    started.push(stores.stop);
    // Jobs that are queued here call back here.
    const environment = { PUBLIC_BASE_URL: url, ...process.env };
    const served = await serveReceiver({ environment, host: '127.0.0.1', port, log });
    started.push(served.close);
    const firestore = process.env['FIRESTORE_EMULATOR_HOST'] ?? '';
    const pubsub = process.env['PUBSUB_EMULATOR_HOST'] ?? '';
    await createJobsTopic(pubsub, project);
    return { addresses: { url, firestore, pubsub, project }, stop };
  } catch (error) {
    await stop();
    throw error;
  }
};
