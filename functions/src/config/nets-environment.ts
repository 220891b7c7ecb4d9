import { type AutoRetryPolicy, SecretText } from '@taleback/core';
import { z } from 'zod';
import { type AudioConfig, audioConfig, audioVariables } from './audio-environment.ts';

/** Stands for no key where a secret must not be empty. */
const NO_KEY = '-';

const DAY_SECONDS = 86_400;
const WEEK_SECONDS = 7 * DAY_SECONDS;

/** Waits before a narration that failed for a passing cause is tried again: long enough for a restart, then an outage. */
const AUTO_RETRY_DELAYS_MS = [60_000, 300_000] as const;

const address = z
  .url({ protocol: /^https?$/, error: 'must be an http or https address' })
  .transform((url) => url.replace(/\/+$/, ''));

/** An empty variable is one that is not set. */
const optional = <T extends z.ZodType>(schema: T): z.ZodType<z.output<T> | undefined> =>
  z.preprocess((value) => (value === '' ? undefined : value), schema.optional());

/** The variables of what sends jobs out, and of what catches those that come to no end. */
export const netsVariables = {
  DISPATCH_TARGET: z
    .enum(['pubsub', 'runpod'])
    .default('pubsub')
    .describe(
      'Who takes the jobs: `pubsub` leaves them to workers that pull from the topic `tts-jobs`, `runpod` sends each to the endpoint `RUNPOD_ENDPOINT_ID`.',
    ),
  RUNPOD_API_KEY: z
    .string()
    .default('')
    .transform((text) => new SecretText(text.trim() === NO_KEY ? '' : text.trim()))
    .describe(
      'Key of the RunPod account. Needed when jobs go to RunPod; `-` where none do, because a deployment wants every secret set. Secret.',
    ),
  RUNPOD_ENDPOINT_ID: optional(
    z.string().regex(/^[\w-]{1,100}$/, 'must be letters, digits and dashes'),
  ).describe('The serverless endpoint that jobs are sent to.'),
  RUNPOD_API_URL: address
    .default('https://api.runpod.ai/v2')
    .describe("RunPod's client interface, without the endpoint."),
  RUNPOD_EXECUTION_TIMEOUT_SECONDS: z.coerce
    .number()
    .min(5)
    .max(WEEK_SECONDS)
    .default(600)
    .describe(
      "How long one job may run at RunPod. Seconds, 5 to 604800. Ten minutes is RunPod's own default, and ten times the timeout of one synthesis (seed 000).",
    ),
  RUNPOD_TTL_SECONDS: z.coerce
    .number()
    .min(10)
    .max(WEEK_SECONDS)
    .default(3_600)
    .describe(
      'After how long RunPod forgets a job, waiting or running. Seconds, 10 to 604800. Nobody waits longer than an hour for a story; RunPod would keep it for a day.',
    ),
  RUNPOD_CONFIRM_WEBHOOKS: z
    .enum(['on', 'off'])
    .default('on')
    .describe(
      'Whether RunPod\'s own webhook, which nobody signs, is believed only after a look at the job\'s status. Only the exact word "off" turns it off.',
    ),
  ...audioVariables,
  AUTO_RETRY_LIMIT: z.coerce
    .number()
    .int()
    .min(0)
    .max(10)
    .default(2)
    .describe(
      'How often a narration that failed for a passing cause is tried again by itself, after one and then five minutes, until a person asks again. 0 to 10; 0 leaves it to people.',
    ),
  TTS_EVENTS: z
    .enum(['on', 'off'])
    .default('on')
    .describe(
      'Whether the topic `tts-events` is told of every narration that ended. While it is on, a callback is accepted only once its event is published.',
    ),
};

export interface RunpodConfig {
  readonly apiKey: SecretText;
  readonly apiUrl: string;
  readonly endpointId: string;
  readonly executionTimeoutMs: number;
  readonly ttlMs: number;
  readonly confirmWebhooks: boolean;
}

export interface NetsConfig extends AudioConfig {
  readonly dispatchTarget: 'pubsub' | 'runpod';
  /** Undefined when nothing is known of RunPod. */
  readonly runpod: RunpodConfig | undefined;
  readonly autoRetry: AutoRetryPolicy;
  readonly events: 'on' | 'off';
}

const netsEnvironment = z.object(netsVariables);

const readRunpod = (env: z.output<typeof netsEnvironment>): RunpodConfig | undefined => {
  const { RUNPOD_API_KEY: apiKey, RUNPOD_ENDPOINT_ID: endpointId } = env;
  if (endpointId === undefined || apiKey.text === '') return undefined;
  return {
    apiKey,
    apiUrl: env.RUNPOD_API_URL,
    endpointId,
    executionTimeoutMs: env.RUNPOD_EXECUTION_TIMEOUT_SECONDS * 1000,
    ttlMs: env.RUNPOD_TTL_SECONDS * 1000,
    confirmWebhooks: env.RUNPOD_CONFIRM_WEBHOOKS === 'on',
  };
};

/**
 * The nets' part of the configuration. Whoever sends jobs elsewhere may leave RunPod's variables empty.
 * @throws Error when jobs shall go to RunPod and it is not said how, or audio lies in a bucket and it is not said where
 */
export const netsConfig = (env: z.output<typeof netsEnvironment>): NetsConfig => {
  const runpod = readRunpod(env);
  if (env.DISPATCH_TARGET === 'runpod' && runpod === undefined)
    throw new Error('configuration: DISPATCH_TARGET: "runpod" needs RUNPOD_API_KEY and RUNPOD_ENDPOINT_ID');
  return {
    dispatchTarget: env.DISPATCH_TARGET,
    runpod,
    ...audioConfig(env),
    autoRetry: { limit: env.AUTO_RETRY_LIMIT, delaysMs: AUTO_RETRY_DELAYS_MS },
    events: env.TTS_EVENTS,
  };
};
