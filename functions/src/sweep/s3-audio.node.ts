import type { SecretText } from '@taleback/core';
import type { AudioPlace, AudioProbeAnswer } from './find-audio.ts';

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
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
/** A refusal is a few lines. */
const MAX_EXCERPT_CHARACTERS = 8_192;

interface Answer extends AudioProbeAnswer {
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

/** A bucket of S3, Cloudflare R2 or a compatible service, read with an access key. */
export const createS3AudioPlace = (options: S3AudioOptions): AudioPlace => {
  const { endpoint, bucket, addressing, publicUrl } = options;
  const base =
    addressing === 'path' ? `${endpoint}/${bucket}` : endpoint.replace(/^(https?:\/\/)/, `$1${bucket}.`);
  const signing = {
    accessKeyId: options.accessKeyId,
    secretAccessKey: options.secretAccessKey.text,
    region: options.region,
    service: 's3',
  };

  const ask = async (method: 'HEAD' | 'GET', key: string, range?: string): Promise<Answer> => {
    const { request, Signer } = await load();
    const headers = { 'x-amz-content-sha256': EMPTY_SHA256, ...(range === undefined ? {} : { range }) };
    const signed = await new Signer({ ...signing, method, url: `${base}/${pathOf(key)}`, headers }).sign();
    const answer = await request(signed.url, {
      method,
      headers: Object.fromEntries(signed.headers),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = (await answer.body.text()).slice(0, MAX_EXCERPT_CHARACTERS);
    const [contentRange] = [answer.headers['content-range']].flat();
    const [contentType] = [answer.headers['content-type']].flat();
    return {
      status: answer.statusCode === 206 ? 200 : answer.statusCode,
      contentType,
      sizeBytes: Number(contentRange?.split('/')[1] ?? answer.headers['content-length'] ?? Number.NaN),
      code: answer.statusCode < 300 ? '' : (/<Code>(\w{1,100})<\/Code>/.exec(text)?.[1] ?? ''),
    };
  };

  return {
    probe: async (key) => {
      const head = await ask('HEAD', key);
      if (head.status === 200) return head;
      // The answer to HEAD has no error code, and a wrong key or bucket says nothing about the audio: read one byte.
      const answer = await ask('GET', key, 'bytes=0-0');
      if (answer.status === 200 || answer.code === 'NoSuchKey') return answer;
      throw new Error(`the bucket ${bucket} answers HTTP ${answer.status} ${answer.code}`.trimEnd());
    },
    urlOf: async (key) => {
      if (publicUrl !== undefined) return `${publicUrl}/${pathOf(key)}`;
      const url = new URL(`${base}/${pathOf(key)}`);
      url.searchParams.set('X-Amz-Expires', String(options.signedUrlSeconds));
      const { Signer } = await load();
      return (await new Signer({ ...signing, method: 'GET', url: url.href, signQuery: true }).sign()).url
        .href;
    },
  };
};
