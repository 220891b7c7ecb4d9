import { createHash } from 'node:crypto';
import { isTalebackError, TalebackError } from '@taleback/core';
import { CACHE_CONTROL, keyAddress, type ObjectStore } from './library.ts';
import { type KeyPage, parseKeyPage, S3Fault, UploadDamagedError } from './s3-answers.ts';
import { createS3Requests, type S3Answer, type S3Options, type S3Requests } from './s3-requests.node.ts';

export interface OpenObjectStore extends ObjectStore {
  close(): Promise<void>;
}

const MD5_ETAG = /^"?([\da-f]{32})"?$/;

/**
 * Whether the tag of an upload is the MD5 of its bytes. For what a key service encrypts it is something else; there,
 * the signature and `Content-MD5` have to suffice.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
 */
const isTagOf = ({ headers }: S3Answer, md5: string): boolean =>
  headers['x-amz-server-side-encryption']?.startsWith('aws:kms') === true ||
  MD5_ETAG.exec(headers.etag ?? '')?.[1] === md5;

const sizeIn = ({ headers }: S3Answer): number => Number(headers['content-length'] ?? Number.NaN);

/** Whether an answer says that there is no such object, and nothing worse. */
const saysAbsent = (error: unknown): boolean =>
  isTalebackError(error) &&
  error.cause instanceof S3Fault &&
  error.cause.status === 404 &&
  error.cause.code !== 'NoSuchBucket';

/** The answer to HEAD has no words, so the first byte is requested to learn why there is none. */
const whyNoHead = async (
  requests: S3Requests,
  key: string,
  error: unknown,
  signal: AbortSignal | undefined,
): Promise<S3Answer | undefined> => {
  const isSilent = isTalebackError(error) && error.cause instanceof S3Fault && error.cause.code === '';
  if (!isSilent) throw error;
  try {
    const first = { method: 'GET', key, headers: { range: 'bytes=0-0' } } as const;
    const answer = await requests.send(first, (given) => given, signal);
    // It was written in between. The answer for a part contains the length of the whole.
    const length = answer.headers['content-range']?.split('/')[1] ?? answer.headers['content-length'];
    return { ...answer, headers: { ...answer.headers, 'content-length': length } };
  } catch (reason) {
    if (saysAbsent(reason)) return undefined;
    throw reason;
  }
};

/** The answer to HEAD; undefined when there is no object. */
const headOf = (requests: S3Requests, key: string, signal?: AbortSignal): Promise<S3Answer | undefined> =>
  requests
    .send({ method: 'HEAD', key }, (answer) => answer, signal)
    .catch((error: unknown) => whyNoHead(requests, key, error, signal));

const readPage = ({ body }: S3Answer): KeyPage => {
  const page = parseKeyPage(body);
  // Such as the page of a proxy; the next attempt may get through.
  if (page === undefined) throw new Error('the answer is no list of keys');
  return page;
};

/** Every key of a bucket that begins with a prefix, page after page. @throws TalebackError */
export const listKeys = async (
  requests: Pick<S3Requests, 'send'>,
  prefix: string,
  {
    keysPerPage,
    signal,
  }: Pick<S3Options, 'keysPerPage'> & { readonly signal?: AbortSignal | undefined } = {},
): Promise<readonly string[]> => {
  const keys: string[] = [];
  const limit: Record<string, string> = keysPerPage === undefined ? {} : { 'max-keys': String(keysPerPage) };
  const asked = { method: 'GET', key: '' } as const;
  for (let next: string | undefined = ''; next !== undefined; ) {
    const token: Record<string, string> = next === '' ? {} : { 'continuation-token': next };
    const query = { 'list-type': '2', prefix, ...limit, ...token };
    const page: KeyPage = await requests.send({ ...asked, query }, readPage, signal);
    keys.push(...page.keys);
    ({ next } = page);
  }
  return keys;
};

/** A bucket of S3, of Cloudflare R2 or of another service that speaks like it. */
export const openS3ObjectStore = (options: S3Options): OpenObjectStore => {
  const requests = createS3Requests(options);
  const { bucket, endpoint, publicUrl, signedUrlSeconds, keysPerPage } = options;
  return {
    place: `the bucket ${bucket} at ${endpoint}`,
    write: async ({ key, bytes, contentType }, signal) => {
      const md5 = createHash('md5').update(bytes).digest();
      const headers = {
        'content-type': contentType,
        'cache-control': CACHE_CONTROL,
        'content-md5': md5.toString('base64'),
      };
      const tag = await requests.send(
        { method: 'PUT', key, headers, body: bytes },
        (answer) => {
          // The tag of this very upload: of a HEAD request it could be that of another, which came right after.
          if (!isTagOf(answer, md5.toString('hex')))
            throw new UploadDamagedError(`the tag ${answer.headers.etag ?? 'none'} is not that of the bytes`);
          return answer.headers.etag;
        },
        signal,
      );
      const kept = await headOf(requests, key, signal);
      const isOurs = kept?.headers.etag === tag;
      if (kept !== undefined && (!isOurs || sizeIn(kept) === bytes.byteLength)) return;
      throw new TalebackError('storage_upload_failed', 'The audio was taken, but is not there', {
        details: `${key} in the bucket ${bucket}: ${kept === undefined ? 'none' : sizeIn(kept)} of ${bytes.byteLength} bytes`,
      });
    },
    read: async (key, signal) => {
      try {
        return await requests.send({ method: 'GET', key }, ({ body }) => body, signal);
      } catch (error) {
        if (saysAbsent(error)) return undefined;
        throw error;
      }
    },
    sizeOf: async (key, signal) => {
      const found = await headOf(requests, key, signal);
      return found && sizeIn(found);
    },
    list: (prefix, signal) => listKeys(requests, prefix, { keysPerPage, signal }),
    remove: async (key, signal) => {
      try {
        await requests.send({ method: 'DELETE', key }, () => {}, signal);
      } catch (error) {
        if (!saysAbsent(error)) throw error;
      }
    },
    urlOf: (key) =>
      publicUrl === undefined
        ? requests.presign(key, signedUrlSeconds)
        : Promise.resolve(`${publicUrl}/${keyAddress(key)}`),
    close: () => requests.close(),
  };
};
