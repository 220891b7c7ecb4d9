import { createHash } from 'node:crypto';
import type { LookupFunction } from 'node:net';
import { TalebackError } from '@taleback/core';
import type { KeyPage } from '@taleback/core/storage';
import { AwsV4Signer } from 'aws4fetch';
import { Agent, request } from 'undici';
import { allKeys, type BucketTries, createBucketCalls, DamagedError, ifThere, TIMEOUT_MS } from './bucket.ts';
import { cacheControlOf, keyAddress, type ObjectStore } from './library.ts';
import { judgeS3, parseKeyPage, S3Fault } from './s3-answers.ts';
import type { StorageConfig } from './storage-config.ts';

export interface S3Options extends Omit<Extract<StorageConfig, { kind: 's3' }>, 'kind'>, BucketTries {
  /** Replaces the resolver, in tests. */
  readonly lookup?: LookupFunction | undefined;
}

interface S3Request {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'DELETE';
  /** Empty: the bucket itself. */
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

interface S3Answer {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
}

/** Hours of speech; no object of ours is larger. */
const MAX_OBJECT_BYTES = 512 * 2 ** 20;
const MAX_CONNECTIONS = 16;
/** Shorter than the 5 s after which many servers hang up. */
const KEEP_ALIVE_MS = 4_000;

const MD5_ETAG = /^"?([\da-f]{32})"?$/;

const codeIn = (body: Uint8Array): string =>
  /<Code>([\w.]{1,100})<\/Code>/.exec(Buffer.from(body.subarray(0, 8_192)).toString('utf8'))?.[1] ?? '';

/** Signed requests to a bucket, over connections that are kept. `once` throws S3Fault, or what the network says. */
const createRequests = (options: S3Options) => {
  const { endpoint, bucket, addressing, region, accessKeyId, sessionToken } = options;
  const { timeoutMs = TIMEOUT_MS, lookup } = options;
  const agent = new Agent({
    connections: MAX_CONNECTIONS,
    connect: { timeout: timeoutMs, ...(lookup === undefined ? {} : { lookup }) },
    // One limit holds for a whole try.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxResponseSize: MAX_OBJECT_BYTES,
  });
  const signing = {
    accessKeyId,
    secretAccessKey: options.secretAccessKey.text,
    service: 's3',
    region,
    /** Derived keys. */
    cache: new Map<string, ArrayBuffer>(),
    ...(sessionToken === undefined ? {} : { sessionToken: sessionToken.text }),
  };
  const base =
    addressing === 'path' ? `${endpoint}/${bucket}` : endpoint.replace(/^(https?:\/\/)/, `$1${bucket}.`);
  const addressOf = (key: string, query: Readonly<Record<string, string>> = {}): string => {
    const asked = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
    return `${base}/${keyAddress(key)}${asked.length === 0 ? '' : '?'}${asked.join('&')}`;
  };
  return {
    once: async (asked: S3Request, signal: AbortSignal): Promise<S3Answer> => {
      const { method, key, query, headers = {}, body } = asked;
      // The bytes are signed as well, so altered ones are refused.
      const sha256 = createHash('sha256')
        .update(body ?? '')
        .digest('hex');
      const signer = new AwsV4Signer({
        ...signing,
        method,
        url: addressOf(key, query),
        headers: { ...headers, 'x-amz-content-sha256': sha256 },
      });
      const signed = await signer.sign();
      const answer = await request(signed.url, {
        method,
        headers: Object.fromEntries(signed.headers),
        body: body ?? null,
        dispatcher: agent,
        signal,
      });
      const received = new Uint8Array(await answer.body.arrayBuffer());
      const answered = Object.fromEntries(
        Object.entries(answer.headers).map(([name, value]) => [name, [value].flat()[0]]),
      );
      if (answer.statusCode >= 200 && answer.statusCode < 300) return { headers: answered, body: received };
      const { 'x-amz-request-id': requestId, 'retry-after': retryAfter } = answered;
      throw new S3Fault(answer.statusCode, codeIn(received), requestId, retryAfter);
    },
    /** The address of a key with a signature by which it can be fetched. */
    presign: async (key: string, seconds: number): Promise<string> => {
      const url = new URL(addressOf(key));
      url.searchParams.set('X-Amz-Expires', String(seconds));
      const signer = new AwsV4Signer({ ...signing, method: 'GET', url: url.href, signQuery: true });
      return (await signer.sign()).url.href;
    },
    close: (): Promise<void> => agent.destroy(),
  };
};

/** Whether there is no such object, and nothing worse. */
const saysAbsent = (error: unknown): boolean =>
  error instanceof S3Fault && error.status === 404 && error.code !== 'NoSuchBucket';

/**
 * Whether the tag of an upload is the MD5 of its bytes. For what a key service encrypts it is something else; there,
 * the signature and `Content-MD5` have to suffice.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
 */
const isTagOf = ({ headers }: S3Answer, md5: string): boolean =>
  headers['x-amz-server-side-encryption']?.startsWith('aws:kms') === true ||
  MD5_ETAG.exec(headers['etag'] ?? '')?.[1] === md5;

/** Every key that begins with a prefix, page after page. */
export const listKeys = (
  askPage: (query: Readonly<Record<string, string>>) => Promise<KeyPage>,
  prefix: string,
  keysPerPage?: number,
): Promise<readonly string[]> =>
  allKeys((token) =>
    askPage({
      'list-type': '2',
      prefix,
      ...(keysPerPage === undefined ? {} : { 'max-keys': String(keysPerPage) }),
      ...(token === undefined ? {} : { 'continuation-token': token }),
    }),
  );

/** A bucket of S3, of Cloudflare R2 or of another service that speaks like it. */
export const openS3ObjectStore = (options: S3Options): ObjectStore => {
  const { bucket, endpoint, publicUrl, signedUrlSeconds, keysPerPage } = options;
  const { once, presign, close } = createRequests(options);
  const call = createBucketCalls(options, judgeS3);
  const send = <T>(
    asked: S3Request,
    conclude: (answer: Promise<S3Answer>, inner: AbortSignal) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> => {
    const subject = `${asked.method} ${asked.key || 'the list of keys'} in the bucket ${bucket}`;
    const uploadBytes = asked.body?.byteLength;
    return call({ subject, uploadBytes }, (inner) => conclude(once(asked, inner), inner), signal);
  };
  /** Tag and size; undefined when there is no object. */
  const headOf = (key: string, signal?: AbortSignal) =>
    send(
      { method: 'HEAD', key },
      async (answer, inner) => {
        try {
          const { etag, 'content-length': length } = (await answer).headers;
          return { etag, sizeBytes: Number(length ?? Number.NaN) };
        } catch (error) {
          if (!(error instanceof S3Fault) || error.code !== '' || judgeS3(error, false).isPassing)
            throw error;
          // The answer to HEAD has no words, so the first byte is requested to learn why there is none.
          const first = once({ method: 'GET', key, headers: { range: 'bytes=0-0' } }, inner);
          const found = await ifThere(first, saysAbsent);
          if (found === undefined) return undefined;
          // It was written in between. The answer for a part contains the length of the whole.
          const { etag, 'content-range': range, 'content-length': length } = found.headers;
          return { etag, sizeBytes: Number(range?.split('/')[1] ?? length ?? Number.NaN) };
        }
      },
      signal,
    );
  return {
    place: `the bucket ${bucket} at ${endpoint}`,
    write: async ({ key, bytes, contentType }, signal) => {
      const md5 = createHash('md5').update(bytes).digest();
      const headers = {
        'content-type': contentType,
        'cache-control': cacheControlOf(key),
        'content-md5': md5.toString('base64'),
      };
      const tag = await send(
        { method: 'PUT', key, headers, body: bytes },
        async (answering) => {
          const answer = await answering;
          const { etag = 'none' } = answer.headers;
          // The tag of this very upload: of a HEAD request it could be that of another, which came right after.
          if (isTagOf(answer, md5.toString('hex'))) return etag;
          throw new DamagedError(`the tag ${etag} is not that of the bytes`);
        },
        signal,
      );
      const kept = await headOf(key, signal);
      if (kept !== undefined && (kept.etag !== tag || kept.sizeBytes === bytes.byteLength)) return;
      throw new TalebackError('storage_upload_failed', 'The audio was taken, but is not there', {
        details: `${key} in the bucket ${bucket}: ${kept?.sizeBytes ?? 'none'} of ${bytes.byteLength} bytes`,
      });
    },
    read: (key, signal) =>
      send({ method: 'GET', key }, async (answer) => (await ifThere(answer, saysAbsent))?.body, signal),
    sizeOf: async (key, signal) => (await headOf(key, signal))?.sizeBytes,
    list: (prefix, signal) => {
      const askPage = (query: Readonly<Record<string, string>>): Promise<KeyPage> =>
        send(
          { method: 'GET', key: '', query },
          async (answer) => {
            const page = parseKeyPage((await answer).body);
            // Such as the page of a proxy; the next attempt may get through.
            if (page === undefined) throw new Error('the answer is no list of keys');
            return page;
          },
          signal,
        );
      return listKeys(askPage, prefix, keysPerPage);
    },
    remove: (key, signal) =>
      send({ method: 'DELETE', key }, async (answer) => void (await ifThere(answer, saysAbsent)), signal),
    urlOf: async (key) =>
      publicUrl === undefined ? presign(key, signedUrlSeconds) : `${publicUrl}/${keyAddress(key)}`,
    close,
  };
};
