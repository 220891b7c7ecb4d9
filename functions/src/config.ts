import { inspect } from 'node:util';
import { DEFAULT_STORY_LIMITS, type StoryLimits } from '@taleback/core';
import { parseSecret } from '@taleback/core/signatures';
import { z } from 'zod';
import { type NetsConfig, netsConfig, netsVariables } from './config/nets-environment.ts';
import type { CallerLimitOptions } from './receive/index.ts';

/** Accepted callback secrets. Printing it shows nothing of them. */
export class CallbackSecrets {
  readonly #standard: readonly Uint8Array[];
  readonly #hmac: readonly string[];

  constructor(standard: readonly Uint8Array[], hmac: readonly string[]) {
    this.#standard = standard;
    this.#hmac = hmac;
  }

  /** Keys of Standard Webhooks. */
  get standard(): readonly Uint8Array[] {
    return this.#standard;
  }

  /** Shared secrets of the older hex HMAC scheme. */
  get hmac(): readonly string[] {
    return this.#hmac;
  }

  toJSON(): string {
    return '[redacted]';
  }

  [inspect.custom](): string {
    return '[redacted]';
  }
}

const HMAC_MARK = 'hmac_';

const parseHmacSecret = (item: string): string => {
  const secret = item.slice(HMAC_MARK.length);
  if (secret === '') throw new RangeError(`${HMAC_MARK} must be followed by the secret`);
  return secret;
};

const list = (text: string): string[] =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

const listOrNone = (text: string | undefined): string[] | undefined => {
  const items = list(text ?? '');
  return items.length === 0 ? undefined : items;
};

const secrets = z
  .string()
  .default('')
  .transform((text, context): CallbackSecrets => {
    const items = list(text);
    try {
      return new CallbackSecrets(
        items.filter((item) => !item.startsWith(HMAC_MARK)).map(parseSecret),
        items.filter((item) => item.startsWith(HMAC_MARK)).map(parseHmacSecret),
      );
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message });
      return z.NEVER;
    }
  });

const seconds = (fallback: number, min: number, max: number): z.ZodDefault<z.ZodCoercedNumber> =>
  z.coerce.number().min(min).max(max).default(fallback);

/** Every variable that the functions read. `docs/configuration.md` and `.env.example` are made from it. */
export const functionsEnvironment = z.object({
  CALLBACK_SIGNATURES: z
    .enum(['required', 'off'])
    .default('required')
    .describe('Whether callbacks must be signed. Only the exact word "off" turns it off.'),
  CALLBACK_SECRETS: secrets.describe(
    'Accepted secrets, separated by commas, several while one is being replaced: `whsec_<base64>` for Standard Webhooks, `hmac_<text>` for the hex HMAC of older Python handlers. Secret.',
  ),
  HMAC_HEADER_PREFIX: z
    .string()
    .regex(/^[a-z0-9-]{1,40}$/, 'must be lower-case letters, digits and dashes')
    .default('taleback')
    .describe('The word in `x-<prefix>-timestamp` and `x-<prefix>-signature` of the hex HMAC scheme.'),
  CALLER_REQUESTS_PER_SECOND: seconds(50, 0.1, 100_000).describe(
    'Signed requests that one address may make to one instance. Per second, 0.1 to 100000. Five times what a deployment of ten callbacks a second sends in all.',
  ),
  CALLER_BURST: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .default(200)
    .describe('Signed requests that one address may make at once, after a pause. 1 to 1000000.'),
  CALLER_REFUSALS_PER_MINUTE: z.coerce
    .number()
    .int()
    .min(1)
    .max(100_000)
    .default(60)
    .describe(
      'Requests without a valid signature that one address is told the reason of; more are answered 429. They never use up what signed requests of the same address may make. Per minute, 1 to 100000.',
    ),
  TRUSTED_PROXY_HOPS: z.coerce
    .number()
    .int()
    .min(0)
    .max(10)
    .default(1)
    .describe(
      "Proxies in front whose entries in `X-Forwarded-For` are believed when callers are told apart. 0 to 10. Google's front end is one; Firebase Hosting before it makes two.",
    ),
  PUBLIC_BASE_URL: z
    .url({ protocol: /^https?$/, error: 'must be an http or https address' })
    .default('http://127.0.0.1:5000')
    .transform((url) => url.replace(/\/+$/, ''))
    .describe(
      'Where workers reach this deployment, without `/api/tts`. Callback addresses are built from it.',
    ),
  PENDING_LEASE_SECONDS: seconds(900, 10, 86_400).describe(
    'How long a job may wait in the queue before its story counts as forgotten. Seconds, 10 to 86400. Fifteen minutes covers a cold GPU worker (seven minutes on RunPod) twice.',
  ),
  PROCESSING_LEASE_SECONDS: seconds(120, 90, 3_600).describe(
    'How long a worker may be silent. Seconds, 90 to 3600: a worker whose narration stands still reports every 30. Twice the 60 s timeout of one synthesis (seed 000).',
  ),
  MAX_STORY_CHARACTERS: z.coerce
    .number()
    .int()
    .min(1)
    .max(200_000)
    .default(DEFAULT_STORY_LIMITS.maxCharacters)
    .describe('Longest story that is narrated in one piece. Characters, 1 to 200000.'),
  STORY_LANGUAGES: z
    .string()
    .optional()
    .transform(listOrNone)
    .describe(
      'The only languages that stories are taken in, as codes without region, separated by commas. Default: every language; the worker refuses those that its engines do not speak.',
    ),
  DEFAULT_VOICE: z.string().min(1).default('slt').describe('Voice of a story that names none.'),
  STORE_TIMEOUT_SECONDS: seconds(8, 1, 60).describe(
    'How long Firestore may take before a callback is answered 503 and sent again. Seconds, 1 to 60; below the 10 s that the senders of seed 001 wait.',
  ),
  ...netsVariables,
});

export interface FunctionsConfig extends NetsConfig {
  readonly signatures: 'required' | 'off';
  readonly secrets: CallbackSecrets;
  readonly hmacHeaderPrefix: string;
  readonly callers: CallerLimitOptions;
  readonly trustedProxyHops: number;
  readonly callbackUrl: string;
  /** What RunPod calls when a job ended, without its query. */
  readonly webhookUrl: string;
  readonly pendingLeaseMs: number;
  readonly processingLeaseMs: number;
  readonly storeTimeoutMs: number;
  readonly limits: StoryLimits;
  readonly defaultVoice: string;
}

/**
 * Reads the functions' configuration.
 * @throws Error that names every variable at fault; it never repeats a secret.
 */
export const parseConfig = (environment: Readonly<Record<string, string | undefined>>): FunctionsConfig => {
  const result = functionsEnvironment.safeParse(environment);
  if (!result.success) {
    const faults = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new Error(`configuration: ${faults.join('; ')}`);
  }
  const env = result.data;
  const hasSecret = env.CALLBACK_SECRETS.standard.length + env.CALLBACK_SECRETS.hmac.length > 0;
  if (env.CALLBACK_SIGNATURES === 'required' && !hasSecret)
    throw new Error('configuration: CALLBACK_SECRETS: is needed unless CALLBACK_SIGNATURES is "off"');
  if (env.DISPATCH_TARGET === 'runpod' && !hasSecret)
    throw new Error('configuration: CALLBACK_SECRETS: is needed for the addresses that RunPod calls');
  return {
    signatures: env.CALLBACK_SIGNATURES,
    secrets: env.CALLBACK_SECRETS,
    hmacHeaderPrefix: env.HMAC_HEADER_PREFIX,
    callers: {
      requestsPerSecond: env.CALLER_REQUESTS_PER_SECOND,
      requestBurst: env.CALLER_BURST,
      refusalsPerMinute: env.CALLER_REFUSALS_PER_MINUTE,
    },
    trustedProxyHops: env.TRUSTED_PROXY_HOPS,
    callbackUrl: `${env.PUBLIC_BASE_URL}/api/tts/callback`,
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
    ...netsConfig(env),
  };
};

/** The environment as it stands when it is asked for. */
export const readEnvironment = (): Readonly<Record<string, string | undefined>> => process.env;
