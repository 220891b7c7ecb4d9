import { randomUUID } from 'node:crypto';
import { parseSecret, signStandard } from '@taleback/core/signatures';

/** The secret to sign with: the one given, else the first of CALLBACK_SECRETS, else the running stack's. */
export const chooseSecret = (given: string | undefined, ofStack: string | undefined): string | undefined =>
  given ?? process.env['CALLBACK_SECRETS']?.split(',')[0]?.trim() ?? ofStack;

const TIMEOUT_MS = 10_000;

/**
 * Posts a JSON body to a receiver, signed with Standard Webhooks.
 *
 * @param secret none sends unsigned
 */
export const postSigned = (url: string, body: string, secret: string | undefined): Promise<Response> => {
  const raw = Buffer.from(body);
  const message = { id: `hand_${randomUUID()}`, timestampSeconds: Date.now() / 1000, body: raw };
  const signed = secret ? signStandard(message, [parseSecret(secret)]) : {};
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...signed },
    body: raw,
    redirect: 'manual',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
};
