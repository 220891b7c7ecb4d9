import { availableParallelism } from 'node:os';
import { createNames, DEFAULT_STORY_LIMITS, type StoryLimits } from '@taleback/core';
import { z } from 'zod';
import { type AnnounceConfig, announceEnvironment, toAnnounceConfig } from './config/announce-environment.ts';
import { type CacheConfig, cacheEnvironment, toCacheConfig } from './config/cache-environment.ts';
import {
  type CallbacksConfig,
  callbacksEnvironment,
  type SigningSecrets,
  toCallbacksConfig,
} from './config/callbacks-environment.ts';
import {
  type EnginesConfig,
  enginesEnvironment,
  toEnginesConfig,
} from '@taleback/speech/src/engines/engine-settings.ts';
import {
  type ProtectionConfig,
  protectionEnvironment,
  toProtectionConfig,
} from './config/protection-environment.ts';
import { runpodEnvironment, type SourceConfig, toSourceConfig } from './config/runpod-environment.ts';
import { type SpeechConfig, speechEnvironment, toSpeechConfig } from './config/speech-environment.ts';
import { type StorageConfig, storageEnvironment, toStorageConfig } from './config/storage-environment.ts';

const port = z.coerce.number().int().min(0).max(65_535);

/** Every variable that the worker reads. `docs/configuration.md` and `.env.example` are made from it. */
export const workerEnvironment = z.object({
  ...callbacksEnvironment,
  ...runpodEnvironment,
  ...announceEnvironment,
  JOBS_SUBSCRIPTION: z
    .string()
    .regex(/^[A-Za-z][\w.~+%-]{2,254}$/, 'must be a Pub/Sub subscription name of 3 to 255 characters')
    .default(createNames().subscriptions.jobs)
    .describe('Pub/Sub subscription that jobs are pulled from. Made when it is missing.'),
  JOB_CONCURRENCY: z.coerce
    .number()
    .int()
    .min(1)
    .max(64)
    .default(2)
    .describe('Stories narrated at once. 1 to 64. Two, as `MAX_CONCURRENT_JOBS` of seed 003.'),
  JOB_ACK_DEADLINE_SECONDS: z.coerce
    .number()
    .int()
    .min(10)
    .max(600)
    .default(20)
    .describe(
      'After how long the job of a dead worker goes to another. Seconds, 10 to 600 (the limits of Pub/Sub).',
    ),
  ...enginesEnvironment,
  ...speechEnvironment,
  ...protectionEnvironment,
  ...storageEnvironment,
  ...cacheEnvironment,
  AUDIO_HOST: z.string().min(1).default('127.0.0.1').describe('Address that the audio server listens on.'),
  AUDIO_PORT: port.default(8787).describe('Port that the audio server listens on; 0 takes any free one.'),
  HEALTH_HOST: z.string().min(1).default('127.0.0.1').describe('Address of the health and metrics server.'),
  HEALTH_PORT: port
    .default(9464)
    .describe(
      'Port of `/health/live`, `/health/ready`, `/health/status` and `/metrics`; 0 takes any free one.',
    ),
  MAX_STORY_CHARACTERS: z.coerce
    .number()
    .int()
    .min(1)
    .max(200_000)
    .default(DEFAULT_STORY_LIMITS.maxCharacters)
    .describe('Longest story that is narrated in one piece. Characters, 1 to 200000.'),
  DRAIN_SECONDS: z.coerce
    .number()
    .min(0)
    .max(3_600)
    .default(20)
    .describe('How long jobs under way may finish after a stop signal before they are given back. Seconds.'),
  LOG_LEVEL: z
    .enum(['error', 'warn', 'info', 'debug'])
    .default('info')
    .describe('Least severe line that is logged.'),
  WORKER_ID: z
    .string()
    .min(1)
    .optional()
    .describe('Name of this worker in histories. Default: host and process id.'),
});

export interface WorkerConfig {
  readonly secrets: SigningSecrets;
  readonly callbacks: CallbacksConfig;
  readonly source: SourceConfig;
  readonly announce: AnnounceConfig;
  readonly subscription: string;
  readonly concurrency: number;
  readonly ackDeadlineSeconds: number;
  readonly engines: EnginesConfig;
  readonly speech: SpeechConfig;
  readonly protection: ProtectionConfig;
  readonly storage: StorageConfig;
  readonly cache: CacheConfig;
  /** The server of the folder. */
  readonly audio: { readonly folder: string; readonly host: string; readonly port: number };
  readonly health: { readonly host: string; readonly port: number };
  readonly limits: StoryLimits;
  readonly drainMs: number;
  readonly logLevel: 'error' | 'warn' | 'info' | 'debug';
  readonly workerId: string | undefined;
}

/**
 * Reads the worker's configuration.
 * @throws Error that names every variable at fault; it never repeats a secret.
 */
export const parseConfig = (environment: Readonly<Record<string, string | undefined>>): WorkerConfig => {
  const result = workerEnvironment.safeParse(environment);
  if (!result.success) {
    const faults = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new Error(`configuration: ${faults.join('; ')}`);
  }
  const env = result.data;
  return {
    secrets: env.CALLBACK_SECRETS,
    callbacks: toCallbacksConfig(env),
    source: toSourceConfig(env),
    announce: toAnnounceConfig(env),
    subscription: env.JOBS_SUBSCRIPTION,
    concurrency: env.JOB_CONCURRENCY,
    ackDeadlineSeconds: env.JOB_ACK_DEADLINE_SECONDS,
    engines: toEnginesConfig(env),
    speech: toSpeechConfig(env, availableParallelism()),
    protection: toProtectionConfig(env),
    storage: toStorageConfig(env),
    cache: toCacheConfig(env),
    audio: { folder: env.AUDIO_FOLDER, host: env.AUDIO_HOST, port: env.AUDIO_PORT },
    health: { host: env.HEALTH_HOST, port: env.HEALTH_PORT },
    limits: { ...DEFAULT_STORY_LIMITS, maxCharacters: env.MAX_STORY_CHARACTERS },
    drainMs: env.DRAIN_SECONDS * 1000,
    logLevel: env.LOG_LEVEL,
    workerId: env.WORKER_ID,
  };
};

/** The environment as it stands when it is asked for. */
export const readEnvironment = (): Readonly<Record<string, string | undefined>> => process.env;

/** Google's library would look for the cloud that an emulator is not in, and warn that there is none. */
export const expectNoCloudBesideEmulator = (): void => {
  if (process.env['PUBSUB_EMULATOR_HOST'] !== undefined) process.env['METADATA_SERVER_DETECTION'] ??= 'none';
};

export { signingOf } from './config/callbacks-environment.ts';
