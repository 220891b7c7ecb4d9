import { createHmac, timingSafeEqual } from 'node:crypto';
import { SIGNATURE_TOLERANCE_SECONDS, type Verification } from './standard-webhooks.ts';

/**
 * The scheme that Python handlers in the field already speak: lower-case hex HMAC-SHA256, with the shared secret
 * as UTF-8, over `METHOD\npath\nunixMillis\n` followed by the raw body. The path is without its query.
 */
export interface HmacMessage {
  readonly method: string;
  readonly path: string;
  readonly timestampMs: number;
  readonly body: Uint8Array;
}

const digest = (secret: string, method: string, path: string, timestamp: string, body: Uint8Array): Buffer =>
  createHmac('sha256', secret).update(`${method}\n${path}\n${timestamp}\n`).update(body).digest();

/**
 * The two headers, `x-<prefix>-timestamp` and `x-<prefix>-signature`.
 *
 * @example
 * import { signHmac } from '@taleback/core/signatures';
 * const message = { method: 'POST', path: '/api/tts/callback', timestampMs: Date.now(), body: Buffer.from('{}') };
 * signHmac(message, 'shared secret', 'tts'); // { 'x-tts-timestamp': ..., 'x-tts-signature': ... }
 */
export const signHmac = (message: HmacMessage, secret: string, prefix: string): Record<string, string> => {
  const timestamp = String(Math.floor(message.timestampMs));
  return {
    [`x-${prefix}-timestamp`]: timestamp,
    [`x-${prefix}-signature`]: digest(secret, message.method, message.path, timestamp, message.body).toString(
      'hex',
    ),
  };
};

/**
 * Checks the two headers over the raw body; any of the secrets may have signed it. In every case the
 * body is hashed once with every secret, so that the time taken reveals nothing.
 *
 * @example
 * import { verifyHmac } from '@taleback/core/signatures';
 * const request = { method: 'POST', path: '/api/tts/callback', headers: new Headers() };
 * verifyHmac(request, Buffer.from('{}'), ['shared secret'], 'tts', Date.now()); // { ok: false, reason: 'unsigned' }
 */
export const verifyHmac = (
  request: { readonly method: string; readonly path: string; readonly headers: Headers },
  body: Uint8Array,
  secrets: readonly string[],
  prefix: string,
  nowMs: number,
): Verification => {
  const timestamp = request.headers.get(`x-${prefix}-timestamp`);
  const given = request.headers.get(`x-${prefix}-signature`);
  const isWellMade = /^[0-9a-f]{64}$/.test(given ?? '');
  const bytes = isWellMade ? Buffer.from(given ?? '', 'hex') : Buffer.alloc(32);
  const isGenuine = secrets
    .map((secret) => digest(secret, request.method, request.path, timestamp ?? '', body))
    .map((expected) => timingSafeEqual(expected, bytes))
    .includes(true);
  if (timestamp === null && given === null) return { ok: false, reason: 'unsigned' };
  if (!timestamp || !isWellMade || !/^\d{1,15}$/.test(timestamp)) return { ok: false, reason: 'malformed' };
  if (Math.abs(nowMs - Number(timestamp)) > SIGNATURE_TOLERANCE_SECONDS * 1000)
    return { ok: false, reason: 'stale' };
  return isGenuine ? { ok: true, scheme: 'hmac', messageId: undefined } : { ok: false, reason: 'forged' };
};
