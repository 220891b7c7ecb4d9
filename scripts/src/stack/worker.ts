import { join } from 'node:path';
import { inRoot } from '../paths.ts';
import { type Supervised, startSupervised } from '../process/index.ts';
import type { StackAddresses } from './addresses.ts';

export interface WorkerOptions {
  readonly addresses: StackAddresses;
  readonly secret: string;
  readonly audioFolder: string;
  readonly audioPort: number;
  readonly healthPort: number;
  /** For its log and its control file. */
  readonly folder: string;
  /** More variables, which win. */
  readonly env?: NodeJS.ProcessEnv;
}

/** The file in the folder of a run that the worker reads again whenever it changes. */
export const controlFileIn = (folder: string): string => join(folder, 'control.env');

/** The folder of a run where final callbacks lie until they are accepted. */
const outboxFolderIn = (folder: string): string => join(folder, 'outbox');

const READY_WITHIN_MS = 60_000;

/** Starts the worker against a stack, which is started again when it fails. */
export const startWorker = (options: WorkerOptions): Promise<Supervised> =>
  startSupervised({
    name: 'worker',
    command: process.execPath,
    args: ['--conditions=@taleback/source', inRoot('cli/src/cli.ts'), 'worker', '--restart'],
    cwd: inRoot(),
    env: {
      ...process.env,
      GCLOUD_PROJECT: options.addresses.projectId,
      GOOGLE_CLOUD_PROJECT: options.addresses.projectId,
      PUBSUB_EMULATOR_HOST: options.addresses.pubsubHost,
      CALLBACK_SECRETS: options.secret,
      AUDIO_FOLDER: options.audioFolder,
      AUDIO_PORT: String(options.audioPort),
      HEALTH_PORT: String(options.healthPort),
      // The emulators share this machine: their start alone would count as an overload.
      SYSTEM_PROTECTION: 'off',
      CONTROL_FILE: controlFileIn(options.folder),
      OUTBOX_FOLDER: outboxFolderIn(options.folder),
      SPEECH_CACHE_FOLDER: join(options.folder, 'cache'),
      HEARTBEAT_URL: `${options.addresses.pageUrl}/api/tts/heartbeat`,
      // Everything runs on this machine.
      ALLOW_PRIVATE_CALLBACKS: 'on',
      ...options.env,
    },
    logFile: join(options.folder, 'worker.log'),
    readyWhen: /"worker ready"/,
    readyWithinMs: READY_WITHIN_MS,
  });
