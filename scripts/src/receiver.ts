import { randomUUID } from 'node:crypto';
import { parseSecret, signStandard } from '@taleback/core/signatures';
import { parseHttpUrl, sentenceOf, UsageError } from './command-line.ts';
import { type AnnouncedStack, findStack } from './stack/addresses.ts';

const TIMEOUT_MS = 10_000;

/** A callback receiver that scripts post to. */
export type Receiver = Awaited<ReturnType<typeof findReceiver>>;

/** Options of the scripts that post to a receiver. */
export const RECEIVER_OPTIONS = { url: { type: 'string' }, secret: { type: 'string' } } as const;

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/** Whether an address is one of this machine, with the port of the stack. */
const isOfStack = ({ hostname, port }: URL, { pageUrl }: AnnouncedStack): boolean =>
  LOOPBACK.includes(hostname) && port === new URL(pageUrl).port;

/**
 * What callbacks to an address are signed with: the running stack's secret when it is the stack's address, else the first
 * of CALLBACK_SECRETS.
 */
export const secretFor = (
  url: URL,
  stack: AnnouncedStack | undefined,
  callbackSecrets: string | undefined,
): string | undefined =>
  stack !== undefined && isOfStack(url, stack) ? stack.secret : callbackSecrets?.split(',')[0]?.trim();

/** @throws UsageError */
const parseKey = (secret: string): Uint8Array => {
  try {
    return parseSecret(secret);
  } catch (error) {
    throw new UsageError(`--secret or CALLBACK_SECRETS: ${sentenceOf(error)}`);
  }
};

/**
 * The receiver at an address, else that of the running stack.
 *
 * @throws UsageError when there is no address, or it or the secret cannot be used
 */
export const findReceiver = async (
  flags: { readonly url?: string; readonly secret?: string },
  address: 'pageUrl' | 'callbackUrl',
) => {
  const stack = await findStack();
  const given = flags.url ?? stack?.[address];
  if (given === undefined)
    throw new UsageError('--url: an address is required while no stack runs (npm start)');
  const url = parseHttpUrl('url', given);
  const secret = flags.secret ?? secretFor(url, stack, process.env['CALLBACK_SECRETS']);
  const keys = secret ? [parseKey(secret)] : [];
  const sign = (body: Uint8Array): Record<string, string> => {
    const message = { id: `hand_${randomUUID()}`, timestampSeconds: Date.now() / 1000, body };
    return keys.length === 0 ? {} : signStandard(message, keys);
  };
  return {
    url: given,
    /** Posts JSON to one of its addresses, signed with Standard Webhooks where a secret is known. */
    post: async (to: string, text: string): Promise<Response> => {
      const body = Buffer.from(text);
      try {
        return await fetch(to, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...sign(body) },
          body,
          redirect: 'manual',
          signal: AbortSignal.timeout(TIMEOUT_MS),
        });
      } catch (error) {
        throw new Error(`${to} did not answer`, { cause: error });
      }
    },
  };
};
