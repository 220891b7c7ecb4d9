import { join } from 'node:path';
import { inRoot } from '../paths.ts';
import { type Supervised, startSupervised } from '../process/supervised.ts';
import type { StackAddresses } from './addresses.ts';
import { setTimeout } from 'node:timers/promises';
import { createNames } from '@taleback/core';

export interface WorkerOptions {
  readonly addresses: StackAddresses;
  readonly secret: string;
  readonly audioPort: number;
  readonly healthPort: number;
  /** For its log, its audio and its control file. */
  readonly folder: string;
  /** More variables, which win. */
  readonly env?: NodeJS.ProcessEnv | undefined;
}

/** The file in the folder of a run that the worker reads again whenever it changes. */
export const controlFileIn = (folder: string): string => join(folder, 'control.env');

const READY_WITHIN_MS = 60_000;

/** Starts the worker against a stack; it is restarted when it fails. */
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
      AUDIO_FOLDER: join(options.folder, 'audio'),
      AUDIO_PORT: String(options.audioPort),
      HEALTH_PORT: String(options.healthPort),
      // The emulators share this machine: their start alone would count as an overload.
      SYSTEM_PROTECTION: 'off',
      CONTROL_FILE: controlFileIn(options.folder),
      OUTBOX_FOLDER: join(options.folder, 'outbox'),
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

export interface Sweeper {
  /** Lets the sweep under way go, and begins no other. */
  stop(): Promise<void>;
}

/** How often the sweep is called, in milliseconds. The schedule of a deployment is a minute. */
const SWEEP_EVERY_MS = 5_000;
/** The first call starts the function's process. */
const CALL_TIMEOUT_MS = 60_000;

/** Suffix by which the functions emulator tells the triggers of one function apart. */
const TRIGGER = `${createNames().functions.sweep}-0`;

/** Calls the scheduled sweep of a stack again and again, because the emulators schedule nothing. */
export const startSweeper = ({ functionsHost, projectId, region }: StackAddresses): Sweeper => {
  const url = `http://${functionsHost}/functions/projects/${projectId}/triggers/${region}-${TRIGGER}`;
  const stopping = new AbortController();
  const sweep = async (): Promise<void> => {
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]);
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(url, { method: 'POST', headers, body: '{}', signal });
    await answer.arrayBuffer();
  };
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      // The next one makes up for a failure; a stop makes it fail too.
      await setTimeout(SWEEP_EVERY_MS, undefined, stopping)
        .then(sweep)
        .catch(() => {});
    }
  };
  const running = run();
  return {
    stop: () => {
      stopping.abort();
      return running;
    },
  };
};
