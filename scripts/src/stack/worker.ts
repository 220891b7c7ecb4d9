import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createNames } from '@taleback/core';
import { inRoot } from '../paths.ts';
import { type Supervised, startSupervised } from '../process/supervised.ts';
import type { StackAddresses } from './addresses.ts';

export interface WorkerOptions {
  readonly addresses: StackAddresses;
  readonly secret: string;
  readonly audioPort: number;
  readonly healthPort: number;
  /** For its log and its audio. */
  readonly folder: string;
  /** Read again by the worker whenever it changes. */
  readonly controlFile: string;
  /** More variables, which win. */
  readonly env: NodeJS.ProcessEnv | undefined;
}

const READY_WITHIN_MS = 120_000;

/** Starts the worker against a stack; it is restarted when it fails. */
export const startWorker = ({ addresses, folder, env, ...options }: WorkerOptions): Promise<Supervised> =>
  startSupervised({
    name: 'worker',
    command: [
      process.execPath,
      '--conditions=@taleback/source',
      inRoot('cli/src/cli.ts'),
      'worker',
      '--restart',
    ],
    folder,
    log: 'worker',
    cwd: inRoot(),
    env: {
      ...process.env,
      GCLOUD_PROJECT: addresses.projectId,
      GOOGLE_CLOUD_PROJECT: addresses.projectId,
      PUBSUB_EMULATOR_HOST: addresses.pubsubHost,
      CALLBACK_SECRETS: options.secret,
      AUDIO_FOLDER: join(folder, 'audio'),
      PRIVATE_FOLDER: join(folder, 'private'),
      AUDIO_PORT: String(options.audioPort),
      HEALTH_PORT: String(options.healthPort),
      // The emulators share this machine: their start alone would count as an overload.
      SYSTEM_PROTECTION: 'off',
      CONTROL_FILE: options.controlFile,
      OUTBOX_FOLDER: join(folder, 'outbox'),
      SPEECH_CACHE_FOLDER: join(folder, 'cache'),
      HEARTBEAT_URL: `${addresses.pageUrl}/api/tts/heartbeat`,
      // Everything runs on this machine.
      ALLOW_PRIVATE_CALLBACKS: 'on',
      ...env,
    },
    readyWhen: /"worker ready"/,
    readyWithinMs: READY_WITHIN_MS,
  });

/** How often the sweep is called, in milliseconds. The schedule of a deployment is a minute. */
const SWEEP_EVERY_MS = 5_000;
/** The first call starts the function's process. */
const CALL_TIMEOUT_MS = 60_000;
/** Suffix by which the functions emulator tells the triggers of one function apart. */
const TRIGGER = `${createNames().functions.sweep}-0`;

/**
 * Calls the scheduled sweep of a stack again and again, because the emulators schedule nothing.
 *
 * @returns what ends the sweep under way, and begins no other
 */
export const startSweeper = ({ functionsHost, projectId, region }: StackAddresses): (() => Promise<void>) => {
  const url = `http://${functionsHost}/functions/projects/${projectId}/triggers/${region}-${TRIGGER}`;
  const stopping = new AbortController();
  const sweep = async (): Promise<void> => {
    await setTimeout(SWEEP_EVERY_MS, undefined, stopping);
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]);
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(url, { method: 'POST', headers, body: '{}', signal });
    await answer.arrayBuffer();
  };
  const run = async (): Promise<void> => {
    // The next one makes up for a failure; a stop makes it fail too.
    while (!stopping.signal.aborted) await sweep().catch(() => {});
  };
  const running = run();
  return () => {
    stopping.abort();
    return running;
  };
};
