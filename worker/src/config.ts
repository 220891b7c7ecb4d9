import { availableParallelism } from 'node:os';
import { createNames, DEFAULT_STORY_LIMITS } from '@taleback/core';
import { enginesEnvironment, toEnginesConfig, withoutUnusedEngines } from '@taleback/speech';
import { z } from 'zod';
import { callbacksConfig, callbacksEnvironment } from './config-callbacks.ts';
import { amount, httpAddress, integer, listIn, port, secret, text } from './config-fields.ts';
import { cacheConfig, protectionConfig, speechConfig, speechEnvironment } from './config-speech.ts';
import { privateStorageConfig, storageConfig, storageEnvironment } from './storage/storage-config.ts';

export { signingOf } from './config-callbacks.ts';

/** Every variable that the worker reads. `docs/configuration.md` and `.env.example` are made from it. */
export const workerEnvironment = z.object({
  ...callbacksEnvironment,
  JOB_SOURCE: z
    .enum(['pubsub', 'runpod', 'runpod-dev'])
    .default('pubsub')
    .describe(
      'Where jobs come from. `runpod`: this is a serverless worker of RunPod, which sets the variables `RUNPOD_WEBHOOK_*`, `RUNPOD_POD_ID`, `RUNPOD_AI_API_KEY` and `RUNPOD_PING_INTERVAL` itself. `runpod-dev`: jobs are posted to `/run` of this process, as to an endpoint of RunPod.',
    ),
  RUNPOD_OUTBOX_FOLDER: text('.taleback/runpod-outbox').describe(
    'Folder where jobs and results of RunPod are kept until the platform accepted the result. Several workers may share it.',
  ),
  RUNPOD_DEV_HOST: text('127.0.0.1').describe('Address that the local RunPod API listens on.'),
  RUNPOD_DEV_PORT: port(8000).describe(
    'Port of the local RunPod API; 0 takes any free one. 8000, as `--rp_serve_api`.',
  ),
  RUNPOD_DEV_API_KEY: secret
    .prefault('')
    .describe(
      'Key that clients of the local RunPod API must send. None lets every program of this machine in, but no web page. Secret.',
    ),
  HEARTBEAT_URL: httpAddress
    .optional()
    .describe(
      'Where this worker reports its state, its engines and their voices, and is sent the deletions of stories, such as `https://<site>/api/tts/heartbeat`; signed as callbacks are. Default: nothing is reported, the page offers its built-in voices, and what is deleted stays in the folders of this worker.',
    ),
  ENGINES_URL: httpAddress
    .optional()
    .describe(
      'The earlier name of `HEARTBEAT_URL`, with an address that ends in `/engines`; the heartbeat goes to `/heartbeat` beside it.',
    ),
  TALEBACK_INSTANCE: z
    .string()
    .regex(/^(?:[a-z][a-z0-9]{0,19})?$/, 'must be 1 to 20 lower-case letters and digits')
    .default('')
    .describe(
      "Added to the names of topics and of the subscription, as in the functions. Default: today's names.",
    ),
  JOBS_SUBSCRIPTION: z
    .string()
    .regex(/^[A-Za-z][\w.~+%-]{2,254}$/, 'must be a Pub/Sub subscription name of 3 to 255 characters')
    .optional()
    .describe(
      `Pub/Sub subscription that jobs are pulled from. Created if it is missing. Default: \`${createNames().subscriptions.jobs}\`, with the instance.`,
    ),
  JOB_CONCURRENCY: integer(1, 64, 2).describe('Stories narrated at once. 1 to 64.'),
  JOB_ACK_DEADLINE_SECONDS: integer(10, 600, 20).describe(
    'After how long the job of a dead worker goes to another. Seconds, 10 to 600 (the limits of Pub/Sub).',
  ),
  JOB_STREAM_DEAD_SECONDS: amount(1, 86_400, 600).describe(
    'How long the subscription of jobs may be out of reach before the worker drains and exits with 1, so that it is started again. Long enough for a change of roles. Seconds, 1 to 86400.',
  ),
  ...enginesEnvironment,
  ...speechEnvironment,
  ...storageEnvironment,
  AUDIO_HOST: text('127.0.0.1').describe('Address that the audio server listens on.'),
  AUDIO_PORT: port(8787).describe('Port that the audio server listens on; 0 takes any free one.'),
  HEALTH_HOST: text('127.0.0.1').describe('Address of the health and metrics server.'),
  HEALTH_PORT: port(9464).describe(
    'Port of `/health/live`, `/health/ready`, `/health/status` and `/metrics`; 0 takes any free one.',
  ),
  ALLOWED_HOSTS: z
    .string()
    .default('')
    .transform(listIn)
    .describe(
      'Names, separated by commas, under which the servers of this worker (health, audio, local RunPod API) are called besides `localhost` and the name in `AUDIO_BASE_URL`, such as that of its container. Where they listen beyond loopback, their IP addresses need no entry. Requests with another `Host`, and those of pages of other sites, are answered 403.',
    ),
  MAX_STORY_CHARACTERS: integer(1, 200_000, DEFAULT_STORY_LIMITS.maxCharacters).describe(
    'Longest story that is narrated in one piece. Characters, 1 to 200000.',
  ),
  DRAIN_SECONDS: amount(0, 3_600, 20).describe(
    'How long jobs under way may finish after a stop signal before they are given back. Seconds.',
  ),
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

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the worker's configuration.
 *
 * @throws Error that names every variable at fault; it never repeats a secret.
 */
export const parseConfig = (environment: Environment) => {
  const result = workerEnvironment.safeParse(withoutUnusedEngines(environment));
  if (!result.success) {
    const faults = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new Error(`configuration: ${faults.join('; ')}`);
  }
  const env = result.data;
  const names = createNames({ instance: env.TALEBACK_INSTANCE });
  const callbacks = callbacksConfig(env);
  const { AUDIO_BASE_URL, ALLOWED_HOSTS } = env;
  const audioNames = AUDIO_BASE_URL === undefined ? [] : [new URL(AUDIO_BASE_URL).hostname];
  return {
    secrets: env.CALLBACK_SECRETS,
    callbacks,
    source: {
      kind: env.JOB_SOURCE,
      runpodOutboxFolder: env.RUNPOD_OUTBOX_FOLDER,
      runpodDev: {
        host: env.RUNPOD_DEV_HOST,
        port: env.RUNPOD_DEV_PORT,
        names: ALLOWED_HOSTS,
        apiKey: env.RUNPOD_DEV_API_KEY,
        allowPrivateWebhooks: callbacks.allowPrivate,
      },
    },
    /** Undefined: nothing is reported. */
    heartbeatUrl: env.HEARTBEAT_URL ?? env.ENGINES_URL?.replace(/\/engines(?=\/?(?:[?#]|$))/, '/heartbeat'),
    names,
    subscription: env.JOBS_SUBSCRIPTION ?? names.subscriptions.jobs,
    concurrency: env.JOB_CONCURRENCY,
    ackDeadlineSeconds: env.JOB_ACK_DEADLINE_SECONDS,
    streamDeadMs: env.JOB_STREAM_DEAD_SECONDS * 1000,
    engines: toEnginesConfig(env, environment),
    speech: speechConfig(env, availableParallelism()),
    protection: protectionConfig(env),
    storage: storageConfig(env),
    privateStorage: privateStorageConfig(env, env.OUTBOX_FOLDER),
    recordingLifetimeMs: env.RECORDING_DAYS * 86_400_000,
    cache: cacheConfig(env),
    /** The server of the folder. */
    audio: {
      folder: env.AUDIO_FOLDER,
      host: env.AUDIO_HOST,
      port: env.AUDIO_PORT,
      names: [...audioNames, ...ALLOWED_HOSTS],
    },
    health: { host: env.HEALTH_HOST, port: env.HEALTH_PORT, names: ALLOWED_HOSTS },
    limits: { ...DEFAULT_STORY_LIMITS, maxCharacters: env.MAX_STORY_CHARACTERS },
    drainMs: env.DRAIN_SECONDS * 1000,
    logLevel: env.LOG_LEVEL,
    workerId: env.WORKER_ID,
  };
};

export type WorkerConfig = Readonly<ReturnType<typeof parseConfig>>;

/** The environment as it is now. */
export const readEnvironment = (): Environment => process.env;

/** Google's library would look for the cloud that an emulator is not in, and warn that there is none. */
export const expectNoCloudBesideEmulator = (): void => {
  if (process.env['PUBSUB_EMULATOR_HOST'] !== undefined) process.env['METADATA_SERVER_DETECTION'] ??= 'none';
};
