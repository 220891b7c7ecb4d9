import { createHash } from 'node:crypto';
import type { SecretText } from '@taleback/core';
import { parseKeyPage } from '@taleback/core/storage';
import type { ObjectStore } from '../stories/recordings.ts';
import { type AudioPlace, type AudioProbeAnswer, refuseUnlessNarration } from './find-audio.ts';

export interface S3AudioOptions {
  /** Address of the service, without the bucket and a closing slash. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: SecretText;
  readonly addressing: 'path' | 'virtual-host';
  /** Address that the bucket is published under, without a closing slash. Without it, addresses are signed. */
  readonly publicUrl: string | undefined;
  /** How long a signed address holds, seconds, at most 604,800. */
  readonly signedUrlSeconds: number;
}

const TIMEOUT_MS = 5_000;
/** A refusal is a few lines. */
const MAX_EXCERPT_BYTES = 8_192;

interface Asked {
  readonly method: 'HEAD' | 'GET' | 'PUT' | 'DELETE';
  /** Default: the bucket itself. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly range?: string;
  readonly body?: Uint8Array;
}

interface Answer extends AudioProbeAnswer {
  readonly body: Uint8Array;
  /** S3's code of a refusal, such as `NoSuchKey`; empty when there is none. */
  readonly code: string;
}

/** Loaded with the first request; callbacks, the common case, do not need them. */
const load = async () => {
  const [{ request }, { AwsV4Signer: Signer }] = await Promise.all([import('undici'), import('aws4fetch')]);
  return { request, Signer };
};

/** RFC 3986 in full: a signature covers exactly these characters. */
const encode = (segment: string): string =>
  encodeURIComponent(segment).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );

const pathOf = (key: string): string => key.split('/').map(encode).join('/');

/** What is uploaded here is private, and in no cache. */
const uploadHeaders = (body: Uint8Array): Record<string, string> => ({
  'content-type': 'application/octet-stream',
  'cache-control': 'no-store',
  'content-md5': createHash('md5').update(body).digest('base64'),
});

/** A bucket of S3, Cloudflare R2 or a compatible service, used with an access key. */
export const createS3AudioPlace = (options: S3AudioOptions): AudioPlace & ObjectStore => {
  const { endpoint, bucket, addressing, publicUrl } = options;
  const base =
    addressing === 'path' ? `${endpoint}/${bucket}` : endpoint.replace(/^(https?:\/\/)/, `$1${bucket}.`);
  const signing = {
    accessKeyId: options.accessKeyId,
    secretAccessKey: options.secretAccessKey.text,
    region: options.region,
    service: 's3',
  };

  const ask = async ({ method, key = '', query = {}, range, body }: Asked): Promise<Answer> => {
    const { request, Signer } = await load();
    const sha256 = createHash('sha256')
      .update(body ?? '')
      .digest('hex');
    const headers = {
      'x-amz-content-sha256': sha256,
      ...(range === undefined ? {} : { range }),
      ...(body === undefined ? {} : uploadHeaders(body)),
    };
    const search = Object.entries(query).map(([name, value]) => `${name}=${encode(value)}`);
    const url = `${base}/${pathOf(key)}${search.length === 0 ? '' : '?'}${search.join('&')}`;
    const signed = await new Signer({ ...signing, method, url, headers }).sign();
    const answer = await request(signed.url, {
      method,
      headers: Object.fromEntries(signed.headers),
      body: body ?? null,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const bytes = new Uint8Array(await answer.body.arrayBuffer());
    const text = Buffer.from(bytes.subarray(0, MAX_EXCERPT_BYTES)).toString('utf8');
    const [contentRange] = [answer.headers['content-range']].flat();
    const [contentType] = [answer.headers['content-type']].flat();
    return {
      status: answer.statusCode === 206 ? 200 : answer.statusCode,
      contentType,
      sizeBytes: Number(contentRange?.split('/')[1] ?? answer.headers['content-length'] ?? Number.NaN),
      code: answer.statusCode < 300 ? '' : (/<Code>(\w{1,100})<\/Code>/.exec(text)?.[1] ?? ''),
      body: bytes,
    };
  };
  /** @throws Error for every other answer than a success or that there is no such object */
  const call = async (asked: Asked): Promise<Answer> => {
    const answer = await ask(asked);
    if ((answer.status >= 200 && answer.status < 300) || answer.code === 'NoSuchKey') return answer;
    throw new Error(`the bucket ${bucket} answers HTTP ${answer.status} ${answer.code}`.trimEnd());
  };

  return {
    probe: async (key) => {
      const head = await ask({ method: 'HEAD', key });
      // The answer to HEAD has no error code, and a wrong key or bucket says nothing about the audio: read one byte.
      return head.status === 200 ? head : call({ method: 'GET', key, range: 'bytes=0-0' });
    },
    urlOf: async (key) => {
      refuseUnlessNarration(key);
      if (publicUrl !== undefined) return `${publicUrl}/${pathOf(key)}`;
      const url = new URL(`${base}/${pathOf(key)}`);
      url.searchParams.set('X-Amz-Expires', String(options.signedUrlSeconds));
      const { Signer } = await load();
      return (await new Signer({ ...signing, method: 'GET', url: url.href, signQuery: true }).sign()).url
        .href;
    },
    write: async (key, body) => {
      const { status } = await call({ method: 'PUT', key, body });
      if (status >= 300) throw new Error(`the bucket ${bucket} took nothing`);
    },
    read: async (key) => {
      const { status, body } = await call({ method: 'GET', key });
      return status === 200 ? body : undefined;
    },
    list: async (prefix) => {
      const keys: string[] = [];
      for (let token: string | undefined, isFirst = true; isFirst || token !== undefined; isFirst = false) {
        const next = token === undefined ? {} : { 'continuation-token': token };
        const { body } = await call({ method: 'GET', query: { 'list-type': '2', prefix, ...next } });
        const page = parseKeyPage(body);
        if (page === undefined) throw new Error(`the bucket ${bucket} does not list its keys`);
        keys.push(...page.keys);
        token = page.next;
      }
      return keys;
    },
    remove: async (key) => {
      await call({ method: 'DELETE', key });
    },
  };
};
