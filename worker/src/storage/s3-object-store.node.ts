import { createHash } from 'node:crypto';
import { isTalebackError, TalebackError } from '@taleback/core';
import { CACHE_CONTROL, keyAddress, type ObjectStore } from './index.ts';
import { S3Fault, UploadDamagedError } from './s3-fault.ts';
import { listKeys } from './s3-key-list.ts';
import {
  createS3Requests,
  type S3Access,
  type S3Answer,
  type S3RequestOptions,
  type S3Requests,
} from './s3-requests.node.ts';

export interface S3Options extends S3Access, S3RequestOptions {
  /** Address that the bucket is published under, without a closing slash. Without it, addresses are signed. */
  readonly publicUrl?: string | undefined;
  /** How long a signed address holds, seconds, at most 604,800. */
  readonly signedUrlSeconds: number;
}

export interface OpenObjectStore extends ObjectStore {
  close(): Promise<void>;
}

const MD5_ETAG = /^"?([\da-f]{32})"?$/;

/**
 * Whether the tag of an upload is the MD5 of its bytes. Of what a key service encrypts it is something else; there, what was
 * signed and `Content-MD5` are all there is.
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

/** The answer to HEAD has no words, so the first byte is asked for to learn why there is none. */
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
    // It came in between. A part tells how long the whole is.
    const length = answer.headers['content-range']?.split('/')[1] ?? answer.headers['content-length'];
    return { ...answer, headers: { ...answer.headers, 'content-length': length } };
  } catch (reason) {
    if (saysAbsent(reason)) return undefined;
    throw reason;
  }
};

/** What HEAD tells of an object; undefined when there is none. */
const headOf = (requests: S3Requests, key: string, signal?: AbortSignal): Promise<S3Answer | undefined> =>
  requests
    .send({ method: 'HEAD', key }, (answer) => answer, signal)
    .catch((error: unknown) => whyNoHead(requests, key, error, signal));

/** A bucket of S3, of Cloudflare R2 or of another service that speaks like it. */
export const openS3ObjectStore = (options: S3Options): OpenObjectStore => {
  const requests = createS3Requests(options, options);
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
