import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Standard Webhooks, symmetric scheme v1: base64(HMAC-SHA256(secret, `id.timestamp.rawBody`)).
 * The `standardwebhooks` package is the oracle in the tests; it is not used itself because it knows one secret
 * per object, reads the system clock and parses the body before it answers.
 *
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */

const SECRET_PREFIX = 'whsec_';
/** The specification asks for 24 to 64 random bytes. */
const MIN_SECRET_BYTES = 24;

/** Seconds a timestamp may lie from our clock, either way. Standard Webhooks' own libraries use the same. */
export const SIGNATURE_TOLERANCE_SECONDS = 300;

/** The result of a verification. The reason is for the log only; the caller does not get it. */
export type Verification =
  | {
      readonly ok: true;
      readonly scheme: 'standard-webhooks' | 'hmac';
      readonly messageId: string | undefined;
    }
  | { readonly ok: false; readonly reason: 'unsigned' | 'malformed' | 'stale' | 'forged' };

/**
 * Reads a secret of the form `whsec_<base64>`.
 * @throws RangeError when it is not base64 or shorter than 24 bytes; the message does not repeat the secret.
 *
 * @example
 * import { parseSecret } from '@taleback/core/signatures';
 * parseSecret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw').length; // 24
 */
export const parseSecret = (secret: string): Uint8Array => {
  const encoded = secret.startsWith(SECRET_PREFIX) ? secret.slice(SECRET_PREFIX.length) : secret;
  const bytes = Buffer.from(encoded, 'base64');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded) || bytes.length < MIN_SECRET_BYTES) {
    throw new RangeError(
      `a callback secret must be ${SECRET_PREFIX} and at least ${MIN_SECRET_BYTES} bytes in base64`,
    );
  }
  return bytes;
};

const signature = (secret: Uint8Array, id: string, timestamp: string, body: Uint8Array): Buffer =>
  createHmac('sha256', secret).update(`${id}.${timestamp}.`).update(body).digest();

export interface StandardMessage {
  /** The same for every retry of one message; the receiver's idempotency key. Must not contain a dot. */
  readonly id: string;
  readonly timestampSeconds: number;
  readonly body: Uint8Array;
}

/**
 * The three headers for a message, signed with every secret given so that secrets can be rotated.
 *
 * @example
 * import { parseSecret, signStandard } from '@taleback/core/signatures';
 * const message = { id: 'msg_1', timestampSeconds: Date.now() / 1000, body: Buffer.from('{}') };
 * signStandard(message, [parseSecret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')]); // three headers
 */
export const signStandard = (
  message: StandardMessage,
  secrets: readonly Uint8Array[],
): Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string> => {
  const timestamp = String(Math.floor(message.timestampSeconds));
  const signed = secrets.map(
    (secret) => `v1,${signature(secret, message.id, timestamp, message.body).toString('base64')}`,
  );
  return { 'webhook-id': message.id, 'webhook-timestamp': timestamp, 'webhook-signature': signed.join(' ') };
};

/**
 * Checks the headers of a message over its raw body; any of the secrets may have signed it. In every
 * case the body is hashed once with every secret, so that the time taken reveals nothing.
 *
 * @example
 * import { parseSecret, verifyStandard } from '@taleback/core/signatures';
 * const secrets = [parseSecret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')];
 * verifyStandard(new Headers(), Buffer.from('{}'), secrets, Date.now()); // { ok: false, reason: 'unsigned' }
 */
export const verifyStandard = (
  headers: Headers,
  body: Uint8Array,
  secrets: readonly Uint8Array[],
  nowMs: number,
): Verification => {
  const id = headers.get('webhook-id');
  const timestamp = headers.get('webhook-timestamp');
  const signatures = headers.get('webhook-signature');
  const candidates = (signatures ?? '')
    .split(' ')
    .filter((candidate) => candidate.startsWith('v1,'))
    .map((candidate) => Buffer.from(candidate.slice('v1,'.length), 'base64'));
  const isGenuine = secrets
    .map((secret) => signature(secret, id ?? '', timestamp ?? '', body))
    .flatMap((expected) =>
      candidates.map((given) => given.length === expected.length && timingSafeEqual(given, expected)),
    )
    .includes(true);
  if (id === null && timestamp === null && signatures === null) return { ok: false, reason: 'unsigned' };
  if (!id || !timestamp || !signatures || !/^\d{1,12}$/.test(timestamp))
    return { ok: false, reason: 'malformed' };
  if (Math.abs(nowMs / 1000 - Number(timestamp)) > SIGNATURE_TOLERANCE_SECONDS)
    return { ok: false, reason: 'stale' };
  return isGenuine
    ? { ok: true, scheme: 'standard-webhooks', messageId: id }
    : { ok: false, reason: 'forged' };
};
