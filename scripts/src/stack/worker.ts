import { join } from 'node:path';
import { inRoot } from '../paths.ts';
import { type Supervised, startSupervised } from '../process/index.ts';
import type { StackAddresses } from './addresses.ts';

export interface WorkerOptions {
  readonly addresses: StackAddresses;
  readonly secret: string;
  readonly audioFolder: string;
  readonly audioPort: number;
  readonly logFolder: string;
  /** More variables, which win. */
  readonly env?: NodeJS.ProcessEnv;
}

const READY_WITHIN_MS = 60_000;

/** Starts the built worker against a stack. */
export const startWorker = (options: WorkerOptions): Promise<Supervised> =>
  startSupervised({
    name: 'worker',
    command: process.execPath,
    args: ['--enable-source-maps', inRoot('worker/dist/main.js')],
    cwd: inRoot(),
    env: {
      ...process.env,
      GCLOUD_PROJECT: options.addresses.projectId,
      GOOGLE_CLOUD_PROJECT: options.addresses.projectId,
      PUBSUB_EMULATOR_HOST: options.addresses.pubsubHost,
      CALLBACK_SECRETS: options.secret,
      AUDIO_FOLDER: options.audioFolder,
      AUDIO_PORT: String(options.audioPort),
      ...options.env,
    },
    logFile: join(options.logFolder, 'worker.log'),
    readyWhen: /"worker ready"/,
    readyWithinMs: READY_WITHIN_MS,
  });
