import { createHash } from 'node:crypto';
import type { LookupFunction } from 'node:net';
import { type Clock, type RetryPolicy, retry, systemClock, tryWithDeadline } from '@taleback/resilience';
import { cancellationOf } from '@taleback/speech';
import { AwsV4Signer } from 'aws4fetch';
import { Agent, type Dispatcher, request } from 'undici';
import { keyAddress } from './library.ts';
import { classifyS3Fault, S3Fault, toS3Error } from './s3-answers.ts';

export interface S3Options {
  /** Address of the service, such as `https://<account>.r2.cloudflarestorage.com`, without the bucket and a closing slash. */
  readonly endpoint: string;
  readonly bucket: string;
  /** As requests are signed for it; `auto` for Cloudflare R2. */
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary credentials. */
  readonly sessionToken?: string | undefined;
  /** Whether the bucket is in the path or before the host's name. */
  readonly addressing: 'path' | 'virtual-host';
  /** Address that the bucket is published under, without a closing slash. Without it, addresses are signed. */
  readonly publicUrl?: string | undefined;
  /** How long a signed address is valid, seconds, at most 604,800. */
  readonly signedUrlSeconds: number;
  /** Default: four tries, after 0.5, 1 and 2 s. */
  readonly retry?: RetryPolicy | undefined;
  /** Time for one try without what its bytes take, ms. Default 10,000. */
  readonly timeoutMs?: number | undefined;
  readonly clock?: Clock | undefined;
  /** Keys in one page of a list, 1 to 1,000. Default: as many as the store gives. */
  readonly keysPerPage?: number | undefined;
  /** Replaces the resolver, in tests. */
  readonly lookup?: LookupFunction | undefined;
}

export interface S3Request {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'DELETE';
  /** Empty: the bucket itself. */
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

export interface S3Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
}

export interface S3Requests {
  /**
   * Sends a request until it succeeds; `conclude` makes the result of the answer, or throws to have it sent again.
   * @throws TalebackError
   */
  send<T>(asked: S3Request, conclude: (answer: S3Answer) => T | Promise<T>, signal?: AbortSignal): Promise<T>;
  /** The address of a key with a signature by which it can be fetched. */
  presign(key: string, seconds: number): Promise<string>;
  close(): Promise<void>;
}

/** Shorter waits than for providers: a store that is busy is back sooner. @see docs/origins.md#retries */
const RETRY: RetryPolicy = {
  maxAttempts: 4,
  backoff: { kind: 'exponential', initialMs: 500, maxMs: 8_000, jitter: 'equal' },
};
/** @see docs/origins.md#delivery */
const TIMEOUT_MS = 10_000;
/** 4 Mbit/s: the slowest line that an upload is given time for. */
const SLOWEST_BYTES_PER_MS = 500;
/** Hours of speech; no object of ours is larger. */
const MAX_OBJECT_BYTES = 512 * 2 ** 20;
const MAX_CONNECTIONS = 16;
/** Shorter than the 5 s after which many servers hang up. */
const KEEP_ALIVE_MS = 4_000;

const EMPTY_SHA256 = createHash('sha256').digest('hex');

const flat = (
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string | undefined> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]),
  );

const codeIn = (body: Uint8Array): string =>
  /<Code>([\w.]{1,100})<\/Code>/.exec(Buffer.from(body.subarray(0, 8_192)).toString('utf8'))?.[1] ?? '';

/** The address of a bucket, without a closing slash. */
const bucketAddress = ({ endpoint, bucket, addressing }: S3Options): string =>
  addressing === 'path' ? `${endpoint}/${bucket}` : endpoint.replace(/^(https?:\/\/)/, `$1${bucket}.`);

const addressOf = (access: S3Options, key: string, query: Readonly<Record<string, string>> = {}): string => {
  const asked = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  const address = `${bucketAddress(access)}/${keyAddress(key)}`;
  return asked.length === 0 ? address : `${address}?${asked.join('&')}`;
};

/** Signed requests to a bucket of S3 or of what speaks like it, over connections that are kept. */
export const createS3Requests = (options: S3Options): S3Requests => {
  const { timeoutMs = TIMEOUT_MS, clock = systemClock, lookup } = options;
  const agent = new Agent({
    connections: MAX_CONNECTIONS,
    connect: { timeout: timeoutMs, ...(lookup === undefined ? {} : { lookup }) },
    // One limit holds for a whole try, see below.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxResponseSize: MAX_OBJECT_BYTES,
  });
  const derivedKeys = new Map<string, ArrayBuffer>();
  const { accessKeyId, secretAccessKey, sessionToken, region } = options;
  const signing = {
    accessKeyId,
    secretAccessKey,
    service: 's3',
    region,
    cache: derivedKeys,
    ...(sessionToken === undefined ? {} : { sessionToken }),
  };

  const once = async (asked: S3Request, sha256: string, signal: AbortSignal): Promise<S3Answer> => {
    const { method, key, query, headers = {}, body } = asked;
    const signer = new AwsV4Signer({
      ...signing,
      method,
      url: addressOf(options, key, query),
      // The bytes are signed as well, so altered ones are refused.
      headers: { ...headers, 'x-amz-content-sha256': sha256 },
    });
    const signed = await signer.sign();
    const answer: Dispatcher.ResponseData = await request(signed.url, {
      method,
      headers: Object.fromEntries(signed.headers),
      body: body ?? null,
      dispatcher: agent,
      signal,
    });
    const received = new Uint8Array(await answer.body.arrayBuffer());
    const answered = flat(answer.headers);
    if (answer.statusCode >= 200 && answer.statusCode < 300)
      return { status: answer.statusCode, headers: answered, body: received };
    throw new S3Fault(
      answer.statusCode,
      codeIn(received),
      answered['x-amz-request-id'],
      answered['retry-after'],
    );
  };

  return {
    send: async (asked, conclude, signal) => {
      const { body } = asked;
      const sha256 = body === undefined ? EMPTY_SHA256 : createHash('sha256').update(body).digest('hex');
      const limitMs = timeoutMs + (body?.byteLength ?? 0) / SLOWEST_BYTES_PER_MS;
      const outcome = await retry(
        async () => {
          const end = await tryWithDeadline((inner) => once(asked, sha256, inner), limitMs, {
            signal,
            clock,
          });
          if (end.kind === 'completed') return conclude(end.value);
          throw end.kind === 'aborted' ? end.reason : new Error(`no answer within ${limitMs} ms`);
        },
        { ...(options.retry ?? RETRY), classify: classifyS3Fault, signal, clock },
      );
      if (outcome.kind === 'succeeded') return outcome.value;
      if (signal?.aborted === true) throw cancellationOf(signal);
      const what = `${asked.method} ${asked.key || 'the list of keys'} in the bucket ${options.bucket}`;
      throw toS3Error(outcome.lastError, what, asked.method === 'PUT');
    },
    presign: async (key, seconds) => {
      const url = new URL(addressOf(options, key));
      url.searchParams.set('X-Amz-Expires', String(seconds));
      const signer = new AwsV4Signer({ ...signing, method: 'GET', url: url.href, signQuery: true });
      return (await signer.sign()).url.href;
    },
    close: () => agent.destroy(),
  };
};
