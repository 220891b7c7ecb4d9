import { createHmac, timingSafeEqual } from 'node:crypto';

// Standard Webhooks, symmetric scheme v1: base64(HMAC-SHA256(secret, `id.timestamp.rawBody`)). The `standardwebhooks`
// package is the oracle of the tests; it is not used itself because it knows one secret per object, reads the system
// clock and parses the body before it answers.
// @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

export const SECRET_PREFIX = 'whsec_';
/** The specification asks for 24 to 64 random bytes. */
export const MIN_SECRET_BYTES = 24;

/** Seconds a timestamp may lie from our clock, either way. Standard Webhooks' own libraries use the same. */
export const SIGNATURE_TOLERANCE_SECONDS = 300;

/** The result of a verification. The reason is for the log only; the caller does not get it. */
export type Verification =
  | {
      readonly ok: true;
      readonly scheme: 'standard-webhooks' | 'hmac';
      readonly messageId: string | undefined;
      /** The same for every copy of a message, whichever of its signatures comes with it; base64. */
      readonly key: string;
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
  if (/^[A-Za-z0-9+/]+={0,2}$/.test(encoded) && bytes.length >= MIN_SECRET_BYTES) return bytes;
  throw new RangeError(
    `a callback secret must be ${SECRET_PREFIX} and at least ${MIN_SECRET_BYTES} bytes in base64`,
  );
};

/** Finds the value of a header by its lower-case name: `Headers` does, and a receiver may. */
export type HeaderLookup = Pick<Headers, 'get'>;

const isFresh = (timestampMs: number, nowMs: number): boolean =>
  Math.abs(nowMs - timestampMs) <= SIGNATURE_TOLERANCE_SECONDS * 1000;

/** Compares in constant time with what every secret gives, so that the time taken does not reveal which it was. */
const isOneOf = (given: Buffer, expected: readonly Buffer[]): boolean =>
  expected.map((one) => one.length === given.length && timingSafeEqual(one, given)).includes(true);

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
 * Checks the headers of a message over its raw body; any of the secrets may have signed it. Unless all of them are
 * missing, the body is hashed once with every secret, so that the time taken reveals nothing.
 *
 * @example
 * import { parseSecret, verifyStandard } from '@taleback/core/signatures';
 * const secrets = [parseSecret('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')];
 * verifyStandard(new Headers(), Buffer.from('{}'), secrets, Date.now()); // { ok: false, reason: 'unsigned' }
 */
export const verifyStandard = (
  headers: HeaderLookup,
  body: Uint8Array,
  secrets: readonly Uint8Array[],
  nowMs: number,
): Verification => {
  const id = headers.get('webhook-id');
  const timestamp = headers.get('webhook-timestamp');
  const signatures = headers.get('webhook-signature');
  if (id === null && timestamp === null && signatures === null) return { ok: false, reason: 'unsigned' };
  const expected = secrets.map((secret) => signature(secret, id ?? '', timestamp ?? '', body));
  const given = (signatures ?? '').split(' ').filter((candidate) => candidate.startsWith('v1,'));
  const isGenuine = given
    .map((candidate) => isOneOf(Buffer.from(candidate.slice('v1,'.length), 'base64'), expected))
    .includes(true);
  if (!id || !timestamp || !signatures || !/^\d{1,12}$/.test(timestamp))
    return { ok: false, reason: 'malformed' };
  if (!isFresh(Number(timestamp) * 1000, nowMs)) return { ok: false, reason: 'stale' };
  if (!isGenuine) return { ok: false, reason: 'forged' };
  const key = (expected[0] as Buffer).toString('base64');
  return { ok: true, scheme: 'standard-webhooks', messageId: id, key };
};

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

type HmacTarget = Pick<HmacMessage, 'method' | 'path'>;

const hmacDigest = (secret: string, { method, path }: HmacTarget, timestamp: string, body: Uint8Array) =>
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
  const hex = hmacDigest(secret, message, timestamp, message.body).toString('hex');
  return { [`x-${prefix}-timestamp`]: timestamp, [`x-${prefix}-signature`]: hex };
};

/**
 * Checks the two headers over the raw body; any of the secrets may have signed it. Unless both are missing, the body is
 * hashed once with every secret, so that the time taken reveals nothing.
 *
 * @example
 * import { verifyHmac } from '@taleback/core/signatures';
 * const request = { method: 'POST', path: '/api/tts/callback', headers: new Headers() };
 * verifyHmac(request, Buffer.from('{}'), ['shared secret'], 'tts', Date.now()); // { ok: false, reason: 'unsigned' }
 */
export const verifyHmac = (
  request: HmacTarget & { readonly headers: HeaderLookup },
  body: Uint8Array,
  secrets: readonly string[],
  prefix: string,
  nowMs: number,
): Verification => {
  const timestamp = request.headers.get(`x-${prefix}-timestamp`);
  const given = request.headers.get(`x-${prefix}-signature`);
  if (timestamp === null && given === null) return { ok: false, reason: 'unsigned' };
  const expected = secrets.map((secret) => hmacDigest(secret, request, timestamp ?? '', body));
  const isWellMade = /^[0-9a-f]{64}$/.test(given ?? '');
  const digest = isWellMade ? Buffer.from(given ?? '', 'hex') : Buffer.alloc(32);
  const isGenuine = isOneOf(digest, expected);
  if (!timestamp || !isWellMade || !/^\d{1,15}$/.test(timestamp)) return { ok: false, reason: 'malformed' };
  if (!isFresh(Number(timestamp), nowMs)) return { ok: false, reason: 'stale' };
  if (!isGenuine) return { ok: false, reason: 'forged' };
  return { ok: true, scheme: 'hmac', messageId: undefined, key: digest.toString('base64') };
};

/** The job that an address was made for. */
export type JobInUrl =
  | { readonly kind: 'none' }
  | { readonly kind: 'verified'; readonly jobId: string }
  | { readonly kind: 'forged' };

type Secret = string | Uint8Array;

/** The key of tokens, derived with a label: no token is a signature of a message, and no signature is a token. */
const tokenDigest = (secret: Secret, storyId: string, jobId: string): Buffer => {
  const key = createHmac('sha256', secret).update('taleback job token').digest();
  return createHmac('sha256', key)
    .update(JSON.stringify([storyId, jobId]))
    .digest();
};

/** What version 0.1 made: jobs that were under way at an upgrade. Its text had no meaning of its own with line breaks in ids. */
const formerTokenDigest = (secret: Secret, storyId: string, jobId: string): Buffer[] => {
  if (/\n/.test(storyId + jobId)) return [];
  return [createHmac('sha256', secret).update(`taleback-job-token\n${storyId}\n${jobId}`).digest()];
};

/**
 * What proves that an address was made by us for one job of one story: HMAC-SHA256 over both ids with a key derived
 * from the secret, base64url. RunPod signs nothing, and its handlers' success callbacks name no job, so the address has
 * to.
 *
 * @example
 * import { signJobToken } from '@taleback/core/signatures';
 * signJobToken('secret', 's1', 'j1').length; // 43
 */
export const signJobToken = (secret: Secret, storyId: string, jobId: string): string =>
  tokenDigest(secret, storyId, jobId).toString('base64url');

/**
 * Whether one of the secrets made the token, in constant time.
 *
 * @example
 * import { signJobToken, verifyJobToken } from '@taleback/core/signatures';
 * verifyJobToken(['secret'], 's1', 'j1', signJobToken('secret', 's1', 'j1')); // true
 */
export const verifyJobToken = (
  secrets: readonly Secret[],
  storyId: string,
  jobId: string,
  token: string,
): boolean => {
  if (!/^[\w-]{43}$/.test(token)) return false;
  const expected = secrets.flatMap((secret) => [
    tokenDigest(secret, storyId, jobId),
    ...formerTokenDigest(secret, storyId, jobId),
  ]);
  return isOneOf(Buffer.from(token, 'base64url'), expected);
};

/**
 * The address with the job and its token in its query; what else stands there stays.
 *
 * @example
 * import { signJobToken, withJob } from '@taleback/core/signatures';
 * withJob('https://a.example/hook', 'j1', signJobToken('secret', 's1', 'j1')); // 'https://a.example/hook?job=j1&token=...'
 */
export const withJob = (address: string, jobId: string, token: string): string => {
  const url = new URL(address);
  url.searchParams.set('job', jobId);
  url.searchParams.set('token', token);
  return url.href;
};

/**
 * Reads the job that an address was made for. One that lacks either part was made for none.
 *
 * @example
 * import { jobOfUrl } from '@taleback/core/signatures';
 * jobOfUrl('https://a.example/hook', ['secret'], 's1'); // { kind: 'none' }
 */
export const jobOfUrl = (address: string, secrets: readonly Secret[], storyId: string): JobInUrl => {
  const query = /^[^?#]*\?([^#]*)/.exec(address)?.[1];
  if (query === undefined) return { kind: 'none' };
  const parameters = new URLSearchParams(query);
  const jobId = parameters.get('job');
  const token = parameters.get('token');
  if (!jobId || !token) return { kind: 'none' };
  return verifyJobToken(secrets, storyId, jobId, token) ? { kind: 'verified', jobId } : { kind: 'forged' };
};
