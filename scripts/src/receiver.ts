import { randomUUID } from 'node:crypto';
import { parseSecret, signStandard } from '@taleback/core/signatures';
import { UsageError } from './command-line.ts';
import { type AnnouncedStack, findStack } from './stack/addresses.ts';

const TIMEOUT_MS = 10_000;

/** A callback receiver that scripts post to. */
export interface Receiver {
  readonly url: string;
  /** Posts JSON to one of its addresses, signed with Standard Webhooks where a secret is known. */
  readonly post: (url: string, body: string) => Promise<Response>;
}

/** Options of the scripts that post to a receiver. */
export const RECEIVER_OPTIONS = { url: { type: 'string' }, secret: { type: 'string' } } as const;

/**
 * The receiver at an address, else that of the running stack. The secret is the one given, else the first of
 * CALLBACK_SECRETS, else the stack's.
 *
 * @throws UsageError when there is no address
 */
export const findReceiver = async (
  flags: { readonly url?: string; readonly secret?: string },
  address: keyof AnnouncedStack,
): Promise<Receiver> => {
  const stack = flags.url === undefined ? await findStack() : undefined;
  const url = flags.url ?? stack?.[address];
  if (url === undefined || !URL.canParse(url))
    throw new UsageError('--url: an address is required while no stack runs (npm start)');
  const secret = flags.secret ?? process.env['CALLBACK_SECRETS']?.split(',')[0]?.trim() ?? stack?.secret;
  const sign = (body: Uint8Array): Record<string, string> => {
    const message = { id: `hand_${randomUUID()}`, timestampSeconds: Date.now() / 1000, body };
    return secret ? signStandard(message, [parseSecret(secret)]) : {};
  };
  return {
    url,
    post: (to, text) => {
      const body = Buffer.from(text);
      return fetch(to, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...sign(body) },
        body,
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    },
  };
};
