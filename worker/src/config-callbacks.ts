import { type Secrets, secretsVariable } from '@taleback/core/signatures';
import { z } from 'zod';
import { amount, onOff, text } from './config-fields.ts';

/** The variables of the callbacks: where they may go, how they are signed, how long they are tried. */
export const callbacksEnvironment = {
  CALLBACK_SECRETS: secretsVariable.describe(
    'What callbacks are signed with, separated by commas: `whsec_<base64>` for Standard Webhooks, all of which sign, so that one can be replaced; `hmac_<text>` for the hex HMAC, of which the first signs. None sends unsigned. Secret.',
  ),
  CALLBACK_SIGNING: z
    .enum(['standard', 'hmac', 'both'])
    .default('standard')
    .describe(
      'How callbacks are signed: `standard` is Standard Webhooks, `hmac` the hex HMAC of older receivers.',
    ),
  HMAC_HEADER_PREFIX: z
    .string()
    .regex(/^[a-z0-9-]{1,40}$/, 'must be lower-case letters, digits and dashes')
    .default('taleback')
    .describe('The word in `x-<prefix>-timestamp` and `x-<prefix>-signature` of the hex HMAC scheme.'),
  ALLOW_PRIVATE_CALLBACKS: onOff('off').describe(
    'Whether callbacks may go to this machine, private networks and metadata services. Off, because jobs name their callback address themselves.',
  ),
  ALLOW_PLAIN_HTTP_CALLBACKS: onOff('off').describe(
    'Whether callbacks and heartbeats may go to public addresses with http. Off, because they hold ids of users and signed addresses of audio. Private addresses that may be called may be called with http.',
  ),
  OUTBOX_FOLDER: text('.taleback/outbox').describe(
    'Folder where final callbacks lie until they are accepted, and the token that lets `taleback` change a running worker. Workers of one machine may share it; it must outlive the process.',
  ),
  CALLBACK_RETRY_FIRST_SECONDS: amount(0.01, 300, 1).describe(
    'Wait before the second try of a callback; each further wait is twice as long. Seconds, 0.01 to 300.',
  ),
  CALLBACK_RETRY_MOST_SECONDS: amount(0.01, 3_600, 300).describe(
    'Longest wait between two tries of a callback. Seconds, 0.01 to 3600.',
  ),
  CALLBACK_DEADLINE_HOURS: amount(0.001, 720, 24).describe(
    'How long a callback is tried before it goes to `failed_callbacks/`. Hours, 0.001 to 720. A day outlasts a night without operators.',
  ),
  CALLBACK_UNAUTHORIZED_MINUTES: amount(0, 1_440, 15).describe(
    'How long a callback is tried while it is answered 401: a secret that is being replaced takes minutes to reach every receiver. Minutes, 0 to 1440.',
  ),
};

type CallbacksEnvironment = z.output<z.ZodObject<typeof callbacksEnvironment>>;

/** What is missing among the secrets for the signing that was asked for. */
const faultOf = ({ CALLBACK_SIGNING, CALLBACK_SECRETS }: CallbacksEnvironment): string | undefined => {
  const { standard, hmac } = CALLBACK_SECRETS;
  if (CALLBACK_SIGNING !== 'standard' && hmac.length === 0)
    return `CALLBACK_SECRETS: an hmac_ secret is needed for CALLBACK_SIGNING=${CALLBACK_SIGNING}`;
  if (CALLBACK_SIGNING === 'both' && standard.length === 0)
    return 'CALLBACK_SECRETS: a whsec_ secret is needed for CALLBACK_SIGNING=both';
  if (CALLBACK_SIGNING === 'standard' && standard.length === 0 && hmac.length > 0)
    return `CALLBACK_SECRETS: holds only hmac_ secrets, with which CALLBACK_SIGNING=hmac signs`;
  return undefined;
};

/** @throws Error that names the variable at fault; it never repeats a secret */
export const callbacksConfig = (env: CallbacksEnvironment) => {
  const fault = faultOf(env);
  if (fault !== undefined) throw new Error(`configuration: ${fault}`);
  const initialMs = env.CALLBACK_RETRY_FIRST_SECONDS * 1000;
  const maxMs = Math.max(initialMs, env.CALLBACK_RETRY_MOST_SECONDS * 1000);
  return {
    hmac: env.CALLBACK_SIGNING === 'standard' ? undefined : { prefix: env.HMAC_HEADER_PREFIX },
    /** Whether the headers of Standard Webhooks are sent. */
    standard: env.CALLBACK_SIGNING !== 'hmac',
    allowPrivate: env.ALLOW_PRIVATE_CALLBACKS === 'on',
    allowPlainHttp: env.ALLOW_PLAIN_HTTP_CALLBACKS === 'on',
    outbox: {
      folder: env.OUTBOX_FOLDER,
      policy: {
        backoff: { kind: 'exponential', initialMs, maxMs, jitter: 'equal' },
        deadlineMs: env.CALLBACK_DEADLINE_HOURS * 3_600_000,
        unauthorizedMs: env.CALLBACK_UNAUTHORIZED_MINUTES * 60_000,
      },
    },
  } as const;
};

/** The keys in use, as the callback client takes them. */
export const signingOf = (
  config: Pick<ReturnType<typeof callbacksConfig>, 'hmac' | 'standard'>,
  { standard, hmac: [hmacSecret] }: Pick<Secrets, 'standard' | 'hmac'>,
) => ({
  secrets: config.standard ? standard : [],
  hmac:
    config.hmac === undefined || hmacSecret === undefined
      ? undefined
      : { secret: hmacSecret, prefix: config.hmac.prefix },
});
