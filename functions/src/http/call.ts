import { isUtf8 } from 'node:buffer';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import type { Log } from '@taleback/core';
import type { HeaderLookup } from '@taleback/core/signatures';
import { type Clock, KeyedRateLimiter, type TakeResult } from '@taleback/resilience';
import { type Answer, type Refusal, refuse } from './answer.ts';
import {
  type AuthenticationRules,
  authenticate,
  type ReplayMemory,
  type SignedMessage,
} from './authenticate.ts';

/** A request as it came over the wire: what is routed, signed and logged is never tidied. */
export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  /** The query with its `?`; empty without one. */
  readonly search: string;
  readonly headers: HeaderLookup;
  /** Bytes where the platform has read and inflated the body. */
  readonly body: Readable | Uint8Array;
}

/** Where a request came from. */
export interface Origin {
  /** What our own proxy saw: no caller can invent it. Callers behind one more proxy, such as Firebase Hosting, share it. */
  readonly address: string;
  /** The same, with what that caller claims to have forwarded: behind Hosting its caller, else possibly an invention. */
  readonly client: string;
}

/** How many requests one address may make. */
export interface CallerLimitOptions {
  /** Requests of callers who showed a valid signature, per second. */
  readonly requestsPerSecond: number;
  /** Requests that may come at once when none came before. */
  readonly requestBurst: number;
  /** Requests without a valid signature that get the reason of their refusal, per minute and at once. */
  readonly refusalsPerMinute: number;
}

/** The limits of each caller. Signed and unsigned requests of one caller never use up each other's share. */
export interface CallerLimits
  extends Readonly<
    Record<'takeSigned' | 'takeUnsigned' | 'takeForged' | 'takeHealth', (origin: Origin) => TakeResult>
  > {
  /** Whether the client has shown a valid signature. */
  readonly isKnown: (origin: Origin) => boolean;
  readonly setKnown: (origin: Origin) => void;
}

/** Clients behind one address of a proxy that may fail at once. One that invents clients gets no more. */
const FAILING_CLIENTS = 10;

/** As many as each limit remembers. */
const MAX_KNOWN_CLIENTS = 10_000;

/**
 * Token buckets by address and by client. Each remembers ten thousand at most, a few MB; when more are busy at once, the
 * one unused for longest starts afresh.
 *
 * @throws {RangeError} when an option is out of range
 */
export const createCallerLimits = (options: CallerLimitOptions, clock?: Clock): CallerLimits => {
  const limiter = (permits: number, perMs: number, burst: number): ((address: string) => TakeResult) => {
    const limits = new KeyedRateLimiter({ limit: { kind: 'token-bucket', permits, perMs, burst } }, clock);
    return (address) => limits.tryTake(address);
  };
  const { requestsPerSecond, requestBurst, refusalsPerMinute } = options;
  const signed = limiter(requestsPerSecond, 1_000, requestBurst);
  const unsigned = limiter(refusalsPerMinute, 60_000, refusalsPerMinute);
  const forgedByClient = limiter(refusalsPerMinute, 60_000, refusalsPerMinute);
  const most = FAILING_CLIENTS * refusalsPerMinute;
  const forgedByAddress = limiter(most, 60_000, most);
  const health = limiter(requestsPerSecond, 1_000, requestBurst);
  const known = new Set<string>();
  return {
    takeSigned: ({ address }) => signed(address),
    takeUnsigned: ({ address }) => unsigned(address),
    takeForged: ({ client, address }) => {
      const own = forgedByClient(client);
      return own.taken ? forgedByAddress(address) : own;
    },
    takeHealth: ({ address }) => health(address),
    isKnown: ({ client }) => known.has(client),
    setKnown: ({ client }) => {
      known.delete(client);
      known.add(client);
      const [oldest] = known;
      if (known.size > MAX_KNOWN_CLIENTS && oldest !== undefined) known.delete(oldest);
    },
  };
};

export interface CallOptions extends AuthenticationRules {
  /** Default: no limits. */
  readonly callerLimits?: CallerLimits | undefined;
  /** How long a body may take to arrive, in milliseconds. Default 10 s. */
  readonly bodyTimeoutMs?: number;
  readonly log: Log;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** One request on its way through a route. */
export interface Call<Options extends CallOptions = CallOptions> {
  readonly request: HttpRequest;
  readonly origin: Origin;
  readonly replays: ReplayMemory;
  readonly options: Options;
}

/** Refuses and logs a request. `reason` is for the log only. */
export const reject = ({ request, options }: Call, refusal: Refusal, reason?: string): Answer => {
  const path = request.path.slice(0, 200);
  options.log('warn', 'request refused', { path, method: request.method, kind: refusal.kind, reason });
  return refuse(refusal);
};

/** Undefined while the limit allows the request, else the 429. */
export const rejectOverLimit = (
  call: Call,
  limit: 'takeSigned' | 'takeUnsigned' | 'takeForged' | 'takeHealth',
  reason?: string,
): Answer | undefined => {
  const result = call.options.callerLimits?.[limit](call.origin) ?? { taken: true };
  if (result.taken) return undefined;
  const retryAfterSeconds = Math.max(1, Math.ceil(result.retryAfterMs / 1000));
  return reject(call, { kind: 'too-many', retryAfterSeconds }, reason);
};

/** Refuses a request without a valid signature; after too many of them the reason is no longer given. */
export const rejectUnsigned = (call: Call, refusal: Refusal, reason?: string): Answer =>
  rejectOverLimit(call, 'takeUnsigned', reason ?? refusal.kind) ?? reject(call, refusal, reason);

/** Largest body of a callback. Python handlers send a few kilobytes; metadata may be larger. */
export const MAX_BODY_BYTES = 262_144;

/** How long a body may take to arrive, in milliseconds: enough for the largest at 30 KB/s. */
export const BODY_TIMEOUT_MS = 10_000;

export interface BodyLimits {
  readonly maxBytes: number;
  readonly timeoutMs: number;
}

export type Body =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly refusal: Refusal };

const refused = (refusal: Refusal): Body => ({ ok: false, refusal });

/** Reads to the end, or gives up as soon as it is too large or takes too long. */
const readAll = (stream: Readable, { maxBytes, timeoutMs }: BodyLimits): Promise<Body> =>
  new Promise((resolve) => {
    const chunks: Uint8Array[] = [];
    let sizeBytes = 0;
    const finish = (body: Body): void => {
      clearTimeout(timer);
      stream.off('data', take);
      if (!body.ok) stream.pause();
      resolve(body);
    };
    const take = (chunk: Uint8Array): void => {
      sizeBytes += chunk.byteLength;
      chunks.push(chunk);
      if (sizeBytes > maxBytes) finish(refused({ kind: 'too-large', maxBytes }));
    };
    const breakOff = (): void => finish(refused({ kind: 'not-json', sentence: 'body: broke off' }));
    const timer = setTimeout(() => finish(refused({ kind: 'too-slow' })), timeoutMs);
    if (stream.destroyed) return breakOff();
    stream.on('data', take).on('error', breakOff).on('close', breakOff);
    stream.on('end', () => finish({ ok: true, bytes: Buffer.concat(chunks) }));
  });

const INFLATE = new Map([
  ['gzip', promisify(gunzip)],
  ['deflate', promisify(inflate)],
  ['br', promisify(brotliDecompress)],
]);

/** Stops as soon as the result is larger than `maxBytes`. */
const inflated = async (encoding: string, bytes: Uint8Array, maxBytes: number): Promise<Body> => {
  try {
    return {
      ok: true,
      bytes: (await INFLATE.get(encoding)?.(bytes, { maxOutputLength: maxBytes })) ?? bytes,
    };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      return refused({ kind: 'too-large', maxBytes });
    return refused({ kind: 'not-json', sentence: `body: must be ${encoding}, as content-encoding says` });
  }
};

/**
 * Reads a body, and inflates it as `content-encoding` says. Refuses one that declares or has too many bytes before or
 * after that, arrives too late, or breaks off.
 */
export const readBody = async (
  { headers, body }: Pick<HttpRequest, 'headers' | 'body'>,
  limits: BodyLimits,
): Promise<Body> => {
  const { maxBytes } = limits;
  const isHere = body instanceof Uint8Array;
  const declaredBytes = isHere ? body.byteLength : Number(headers.get('content-length') ?? 0);
  if (declaredBytes > maxBytes) return refused({ kind: 'too-large', maxBytes });
  if (isHere) return { ok: true, bytes: body };
  const encoding = (headers.get('content-encoding') ?? 'identity').trim().toLowerCase();
  if (encoding !== 'identity' && !INFLATE.has(encoding)) return refused({ kind: 'wrong-encoding' });
  const read = await readAll(body, limits);
  return read.ok && encoding !== 'identity' ? inflated(encoding, read.bytes, maxBytes) : read;
};

export type Json =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly sentence: string };

/** Strings, so that words in them stay; and the three that Python writes for numbers which JSON does not have. */
const NOT_A_NUMBER = /"(?:[^"\\]|\\.)*(?:"|$)|-?Infinity|NaN/gs;

/** The value of a JSON text, with Python's bare NaN and Infinity as null; undefined when it is none. */
export const readJson = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    const repaired = text.replace(NOT_A_NUMBER, (found) => (found.startsWith('"') ? found : 'null'));
    return repaired === text ? undefined : readJson(repaired);
  }
};

const utf8 = new TextDecoder();

/** Parses raw bytes as JSON; the sentence names the fault without repeating the body. */
export const parseJson = (bytes: Uint8Array): Json => {
  if (bytes.byteLength === 0) return { ok: false, sentence: 'body: must not be empty' };
  if (!isUtf8(bytes)) return { ok: false, sentence: 'body: must be UTF-8' };
  const value = readJson(utf8.decode(bytes));
  return value === undefined ? { ok: false, sentence: 'body: must be valid JSON' } : { ok: true, value };
};

const isJson = (contentType: string | null): boolean =>
  /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(contentType ?? '');

export interface SignedBody {
  readonly value: unknown;
  /** Empty when nothing was signed. */
  readonly messages: readonly SignedMessage[];
}

/**
 * The refusal of a request whose body is not worth reading: it has no signature, or its client has only ever failed, and
 * too often. It lasts until the bucket has filled up again.
 */
const rejectUnread = (call: Call, hasSignature: boolean): Answer | undefined => {
  if (!hasSignature) return rejectOverLimit(call, 'takeUnsigned', 'unsigned');
  const isKnown = call.options.callerLimits?.isKnown(call.origin) ?? true;
  return isKnown ? undefined : rejectOverLimit(call, 'takeForged', 'only ever failed');
};

/**
 * Reads a bounded body, verifies its signature, applies the caller's rate limit and parses it, in this order.
 * @param rules whose signatures are accepted; default: those of callbacks
 * @returns the answer where one of these refuses the request
 */
export const readSignedBody = async (
  call: Call,
  maxBytes: number,
  rules: AuthenticationRules = call.options,
): Promise<SignedBody | Answer> => {
  const { request, options } = call;
  const { headers } = request;
  if (!isJson(headers.get('content-type'))) return rejectUnsigned(call, { kind: 'wrong-type' });
  const hasSignature =
    rules.signatures === 'off' ||
    ['webhook-signature', `x-${rules.hmacHeaderPrefix}-signature`].some((name) => headers.get(name) !== null);
  const unread = rules.signatures === 'off' ? undefined : rejectUnread(call, hasSignature);
  if (unread !== undefined) return unread;
  // Without a signature the refusal has been counted.
  const rejectBody = hasSignature ? rejectUnsigned : reject;
  const body = await readBody(request, { maxBytes, timeoutMs: options.bodyTimeoutMs ?? BODY_TIMEOUT_MS });
  if (!body.ok) return rejectBody(call, body.refusal);
  const caller = authenticate(request, body.bytes, rules, options.now());
  if (!caller.ok) return rejectBody(call, { kind: 'not-authentic' }, caller.reason);
  if (rules.signatures === 'required') options.callerLimits?.setKnown(call.origin);
  const tooMany = rejectOverLimit(call, 'takeSigned');
  if (tooMany !== undefined) return tooMany;
  const parsed = parseJson(body.bytes);
  if (!parsed.ok) return reject(call, { kind: 'not-json', sentence: parsed.sentence });
  return { value: parsed.value, messages: caller.messages };
};
