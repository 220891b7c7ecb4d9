import { DEFAULT_STORY_LIMITS } from '@taleback/core';
import { secretsVariable } from '@taleback/core/signatures';
import { z } from 'zod';
import { deploymentVariables, type Environment, namesOf, parseVariables, whole } from './deployment.ts';
import { budgetConfig, budgetVariables } from './request/budget-environment.ts';
import { address, audioConfig, audioVariables, optional, optionalKey } from './sweep/audio-environment.ts';

const WEEK_SECONDS = 604_800;
/** Waits before automatic retries: long enough for a restart, then for an outage. */
const AUTO_RETRY_DELAYS_MS = [60_000, 300_000] as const;

const list = (text: string): string[] =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

const number = (fallback: number, min: number, max: number): z.ZodDefault<z.ZodCoercedNumber> =>
  z.coerce.number().min(min).max(max).default(fallback);

/** Every variable that the functions read. `docs/configuration.md` and `.env.example` are generated from it. */
export const functionsEnvironment = z.object({
  CALLBACK_SIGNATURES: z
    .enum(['required', 'off'])
    .default('required')
    .describe(
      'Whether callbacks must be signed; requests to `generate` always must. Only the exact word "off" turns it off.',
    ),
  CALLBACK_SECRETS: secretsVariable.describe(
    'Accepted secrets of workers and handlers, separated by commas, several while one is being replaced: `whsec_<base64>` for Standard Webhooks, `hmac_<text>` for the hex HMAC of older Python handlers. Each has at least 24 random bytes. They open `callback`, `error-callback`, `progress` and `heartbeat`. Secret.',
  ),
  GENERATE_SECRETS: z
    .preprocess((value) => (value === '-' ? '' : value), secretsVariable)
    .describe(
      'Accepted secrets of servers that request narrations, in the same form; none of them may be in `CALLBACK_SECRETS`. They open `generate` only, which answers 401 without them. `-` when no server does, because a deployment wants every secret set. Secret.',
    ),
  HMAC_HEADER_PREFIX: z
    .string()
    .regex(/^[a-z0-9-]{1,40}$/, 'must be lower-case letters, digits and dashes')
    .default('taleback')
    .describe('The word in `x-<prefix>-timestamp` and `x-<prefix>-signature` of the hex HMAC scheme.'),
  CALLER_REQUESTS_PER_SECOND: number(50, 0.1, 100_000).describe(
    'Signed requests that one address may make to one instance. Per second, 0.1 to 100000. Five times what a deployment of ten callbacks a second sends in all.',
  ),
  CALLER_BURST: whole(200, 1, 1_000_000).describe(
    'Signed requests that one address may make at once, after a pause. 1 to 1000000.',
  ),
  CALLER_REFUSALS_PER_MINUTE: whole(60, 1, 100_000).describe(
    'Requests without a valid signature that are answered with the reason, for one address; more are answered 429, and their bodies are not read unless the caller has shown a valid signature. They never use up what signed requests of the same address may make. Per minute, 1 to 100000.',
  ),
  TRUSTED_PROXY_HOPS: whole(1, 0, 10).describe(
    "Proxies in front that every request passes, each of which appends to `X-Forwarded-For`: the entry of the first of them is the caller's address. 0 to 10. Google's front end is one. Firebase Hosting is none, because the function can also be called without it; its callers are distinguished by the entry before. With more than the real number callers can invent addresses.",
  ),
  PUBLIC_BASE_URL: address
    .default('http://127.0.0.1:5000')
    .describe(
      'Where workers reach this deployment, without `/api/tts`. Callback addresses are built from it. In the cloud it is needed, and the default is refused.',
    ),
  PENDING_LEASE_SECONDS: number(900, 10, 86_400).describe(
    'How long a job may wait in the queue before its lease expires. Seconds, 10 to 86400. Fifteen minutes covers a cold GPU worker (seven minutes on RunPod) twice.',
  ),
  PROCESSING_LEASE_SECONDS: number(120, 90, 3_600).describe(
    'How long a worker may be silent. Seconds, 90 to 3600: a worker whose narration does not advance still reports every 30. Twice the 60 s timeout of one synthesis.',
  ),
  MAX_STORY_CHARACTERS: whole(DEFAULT_STORY_LIMITS.maxCharacters, 1, 200_000).describe(
    'Longest story that is narrated in one piece. Characters, 1 to 200000.',
  ),
  STORY_LANGUAGES: z
    .string()
    .default('')
    .transform((text) => (list(text).length === 0 ? undefined : list(text)))
    .describe(
      'The only languages that stories are accepted in, as codes without region, separated by commas. Default: every language; the worker refuses those that its engines do not speak.',
    ),
  DEFAULT_VOICE: z
    .string()
    .min(1)
    .default('slt')
    .describe('Voice of a story that names none. Everyone may use it, as those of `SHARED_VOICES`.'),
  SHARED_VOICES: z
    .string()
    .default('slt,rms,awb,kal16')
    .transform(list)
    .describe(
      'Ids of voices that everyone may use, separated by commas, whether or not a worker reports them: those of handlers that send no heartbeats, and cloned voices that are for all. What `taleback voices` decided about a voice outranks it. Default: the voices of the embedded engine.',
    ),
  STORE_TIMEOUT_SECONDS: number(8, 1, 60).describe(
    'How long Firestore may take before a callback is answered 503 and sent again. Seconds, 1 to 60; below the 10 s that Python senders wait.',
  ),
  DISPATCH_TARGET: z
    .enum(['pubsub', 'runpod'])
    .default('pubsub')
    .describe(
      'Who takes the jobs: `pubsub` leaves them to workers that pull from the topic `tts-jobs`, `runpod` sends each to the endpoint `RUNPOD_ENDPOINT_ID`.',
    ),
  RUNPOD_API_KEY: optionalKey.describe(
    'Key of the RunPod account. Needed when jobs go to RunPod; `-` otherwise, because a deployment wants every secret set. Secret.',
  ),
  RUNPOD_ENDPOINT_ID: optional(
    z.string().regex(/^[\w-]{1,100}$/, 'must be letters, digits and dashes'),
  ).describe('The serverless endpoint that jobs are sent to.'),
  RUNPOD_API_URL: address
    .default('https://api.runpod.ai/v2')
    .describe("RunPod's client interface, without the endpoint."),
  RUNPOD_EXECUTION_TIMEOUT_SECONDS: number(600, 5, WEEK_SECONDS).describe(
    "How long one job may run at RunPod. Seconds, 5 to 604800. Ten minutes is RunPod's own default, and ten times the timeout of one synthesis.",
  ),
  RUNPOD_TTL_SECONDS: number(3_600, 10, WEEK_SECONDS).describe(
    'After how long RunPod forgets a job, waiting or running. Seconds, 10 to 604800. No reader waits longer than an hour for a story; RunPod would keep it for a day.',
  ),
  RUNPOD_JOBS_PER_USER: whole(5, 1, 100).describe(
    "Jobs of one user at RunPod at once; further ones wait in Pub/Sub, because RunPod's queue is first come, first served. 1 to 100. Five keep a small endpoint busy, and other users wait for no more than these.",
  ),
  RUNPOD_CONFIRM_WEBHOOKS: z
    .enum(['on', 'off'])
    .default('on')
    .describe(
      'Whether RunPod\'s own webhook, which is not signed, is trusted only after a look at the job\'s status. Only the exact word "off" turns it off.',
    ),
  ...audioVariables,
  AUTO_RETRY_LIMIT: whole(2, 0, 10).describe(
    'How often a narration that failed for a transient cause is retried automatically, after one and then five minutes, until a person requests it again. 0 to 10; 0 leaves it to people.',
  ),
  TTS_EVENTS: z
    .enum(['on', 'off'])
    .default('on')
    .describe('Whether every narration that ended is published to the topic `tts-events`.'),
  ...budgetVariables,
  ...deploymentVariables,
});

/** Host names of the machine itself. */
const LOOPBACK = /^(?:localhost|.*\.localhost|127\..*|0\.0\.0\.0|\[::1?\])$/;

/**
 * Reads the functions' configuration.
 * @throws Error that names every variable at fault; it never repeats a secret.
 */
export const parseConfig = (environment: Environment) => {
  const env = parseVariables(functionsEnvironment, environment);
  const isInCloud = environment['K_SERVICE'] !== undefined && environment['FUNCTIONS_EMULATOR'] !== 'true';
  if (isInCloud && LOOPBACK.test(new URL(env.PUBLIC_BASE_URL).hostname))
    throw new Error(
      'configuration: PUBLIC_BASE_URL: is needed in the cloud; no worker there can reach this machine',
    );
  const hasSecret = env.CALLBACK_SECRETS.count > 0;
  if (env.GENERATE_SECRETS.sharesKeyWith(env.CALLBACK_SECRETS))
    throw new Error(
      'configuration: GENERATE_SECRETS: has a secret of CALLBACK_SECRETS; make one of its own, so that who may end jobs cannot open them',
    );
  if (env.CALLBACK_SIGNATURES === 'required' && !hasSecret)
    throw new Error('configuration: CALLBACK_SECRETS: is needed unless CALLBACK_SIGNATURES is "off"');
  if (env.DISPATCH_TARGET === 'runpod' && !hasSecret)
    throw new Error('configuration: CALLBACK_SECRETS: is needed for the addresses that RunPod calls');
  const { RUNPOD_API_KEY: apiKey, RUNPOD_ENDPOINT_ID: endpointId } = env;
  /** Undefined when RunPod is not used; its variables may then be empty. */
  const runpod =
    endpointId === undefined || apiKey === undefined
      ? undefined
      : {
          apiKey,
          apiUrl: env.RUNPOD_API_URL,
          endpointId,
          executionTimeoutMs: env.RUNPOD_EXECUTION_TIMEOUT_SECONDS * 1000,
          ttlMs: env.RUNPOD_TTL_SECONDS * 1000,
          jobsPerUser: env.RUNPOD_JOBS_PER_USER,
          confirmWebhooks: env.RUNPOD_CONFIRM_WEBHOOKS === 'on',
        };
  if (env.DISPATCH_TARGET === 'runpod' && runpod === undefined)
    throw new Error('configuration: DISPATCH_TARGET: "runpod" needs RUNPOD_API_KEY and RUNPOD_ENDPOINT_ID');
  return {
    signatures: env.CALLBACK_SIGNATURES,
    secrets: env.CALLBACK_SECRETS,
    generateSecrets: env.GENERATE_SECRETS,
    hmacHeaderPrefix: env.HMAC_HEADER_PREFIX,
    callers: {
      requestsPerSecond: env.CALLER_REQUESTS_PER_SECOND,
      requestBurst: env.CALLER_BURST,
      refusalsPerMinute: env.CALLER_REFUSALS_PER_MINUTE,
    },
    trustedProxyHops: env.TRUSTED_PROXY_HOPS,
    callbackUrl: `${env.PUBLIC_BASE_URL}/api/tts/callback`,
    /** What RunPod calls when a job ended, without its query. */
    webhookUrl: `${env.PUBLIC_BASE_URL}/api/tts/runpod-webhook`,
    pendingLeaseMs: env.PENDING_LEASE_SECONDS * 1000,
    processingLeaseMs: env.PROCESSING_LEASE_SECONDS * 1000,
    storeTimeoutMs: env.STORE_TIMEOUT_SECONDS * 1000,
    limits: {
      minCharacters: DEFAULT_STORY_LIMITS.minCharacters,
      maxCharacters: env.MAX_STORY_CHARACTERS,
      languages: env.STORY_LANGUAGES,
    },
    defaultVoice: env.DEFAULT_VOICE,
    budgets: budgetConfig(env),
    sharedVoices: env.SHARED_VOICES,
    dispatchTarget: env.DISPATCH_TARGET,
    runpod,
    ...audioConfig(env),
    autoRetry: { limit: env.AUTO_RETRY_LIMIT, delaysMs: AUTO_RETRY_DELAYS_MS },
    events: env.TTS_EVENTS,
    /** Cloud Functions and Cloud Run may stop work after an answer, so there it waits for its event. */
    publishLimitMs: environment['K_SERVICE'] === undefined ? 0 : 500,
    names: namesOf(env),
  };
};

export type FunctionsConfig = ReturnType<typeof parseConfig>;

/** The environment at the time of the call. */
export const readEnvironment = (): Environment => process.env;
