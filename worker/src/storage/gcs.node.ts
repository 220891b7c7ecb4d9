import { CRC32C, type File, Storage, type StorageOptions } from '@google-cloud/storage';
import type { KeyPage } from '@taleback/core/storage';
import { classifyHttpStatus } from '@taleback/resilience';
import {
  allKeys,
  AWAY,
  type BucketFault,
  type BucketTries,
  createBucketCalls,
  DamagedError,
  FULL,
  ifThere,
  type Meaning,
  networkWords,
  NO_BUCKET,
  NOT_SAVED,
} from './bucket.ts';
import { cacheControlOf, keyAddress, type ObjectStore, type StoreObject } from './library.ts';
import type { StorageConfig } from './storage-config.ts';

export interface GcsOptions extends Omit<Extract<StorageConfig, { kind: 'gcs' }>, 'kind'>, BucketTries {
  /** Default: what Google's libraries find, such as `GOOGLE_APPLICATION_CREDENTIALS`. */
  readonly credentials?: StorageOptions['credentials'];
}

const PRECONDITION_FAILED = 412;
const MAX_WORDS = 300;
/** A 403 that is about how much, not about who. */
const BUSY_REASONS: ReadonlySet<string> = new Set(['rateLimitExceeded', 'userRateLimitExceeded']);
/** Words of the sign-in library, which knows no codes. */
const SIGN_IN_TROUBLE =
  /default credentials|invalid_grant|invalid_client|client_email|private[_ ]key|DECODER|PEM|signBlob/i;

interface GcsFault {
  /** HTTP status; undefined when there was no answer. */
  readonly status: number | undefined;
  /** The first of Google's reasons, such as `rateLimitExceeded`; empty when there is none. */
  readonly reason: string;
  readonly message: string;
}

/** What the library reports of a failed call. */
const gcsFaultOf = (error: unknown): GcsFault => {
  const { code, errors, message } = error as { code?: unknown; errors?: unknown; message?: unknown };
  const [first] = Array.isArray(errors) ? (errors as { reason?: unknown }[]) : [];
  const status = Number(code);
  const isStatus = status >= 100 && status <= 599;
  return {
    status: isStatus ? status : undefined,
    reason: typeof first?.reason === 'string' ? first.reason : '',
    message: (isStatus ? String(message ?? error) : networkWords(error)).slice(0, MAX_WORDS),
  };
};

/** Whether there is nothing under the key; a missing bucket is something else. */
const saysAbsent = (error: unknown): boolean => {
  const { status, message } = gcsFaultOf(error);
  return status === 404 && !/bucket does not exist/i.test(message);
};

/** @see https://cloud.google.com/storage/docs/json_api/v1/status-codes */
const meaningOf = ({ status, reason }: GcsFault, isUpload: boolean): Meaning => {
  if (reason === 'quotaExceeded') return FULL;
  if (status === 403)
    return { code: 'permission_denied', message: 'This account may not do that in the bucket' };
  if (status === 404) return NO_BUCKET;
  return isUpload ? NOT_SAVED : { ...AWAY, message: 'The store does not answer this', retryable: false };
};

const judgeGcs = (error: unknown, isUpload: boolean): BucketFault => {
  const fault = gcsFaultOf(error);
  const { status, reason, message } = fault;
  const words = status === undefined ? message : `HTTP ${status} ${reason} ${message}`;
  if (status === 401 || ((status === undefined || status === 400) && SIGN_IN_TROUBLE.test(message))) {
    const meaning = {
      code: 'credentials_invalid',
      message: 'We are not signed in with the store',
    } as const;
    return { isPassing: false, meaning, words };
  }
  const isPassing = status === undefined || BUSY_REASONS.has(reason) || classifyHttpStatus(status).retryable;
  return { isPassing, meaning: isPassing ? AWAY : meaningOf(fault, isUpload), words };
};

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** As Cloud Storage writes it, in base64. */
const crc32cOf = (bytes: Uint8Array): string => {
  const crc = new CRC32C();
  crc.update(asBuffer(bytes));
  return crc.toString();
};

interface Kept {
  readonly generation: string | number;
  readonly sizeBytes: number;
  readonly crc32c: string | undefined;
}

const keptIn = ({ metadata }: File): Kept => ({
  generation: metadata.generation ?? 0,
  sizeBytes: Number(metadata.size),
  crc32c: metadata.crc32c,
});

/** What is stored under the key of a file; undefined when nothing is. */
const keptOf = async (file: File): Promise<Kept | undefined> => {
  const found = await ifThere(file.getMetadata(), saysAbsent);
  return found && keptIn(file);
};

/**
 * One try of an upload. It replaces exactly what was there a moment ago: a try that comes after its successor, or after
 * another upload of the same key, changes nothing.
 */
const uploadOnce = async (file: File, { bytes, contentType }: StoreObject, crc32c: string): Promise<void> => {
  const isOurs = (kept: Kept): boolean => kept.sizeBytes === bytes.byteLength && kept.crc32c === crc32c;
  const before = await keptOf(file);
  if (before !== undefined && isOurs(before) && file.metadata.contentType === contentType) return;
  try {
    await file.save(asBuffer(bytes), {
      resumable: false,
      validation: false, // the store does it: with the checksum in the metadata it refuses other bytes
      metadata: { contentType, cacheControl: cacheControlOf(file.name), crc32c },
      preconditionOpts: { ifGenerationMatch: before?.generation ?? 0 },
    });
  } catch (error) {
    const { status, message } = gcsFaultOf(error);
    // Another upload of this key came in between: as if it had come right after ours.
    if (status === PRECONDITION_FAILED && (await keptOf(file)) !== undefined) return;
    throw status === 400 && /crc32c/i.test(message) ? new DamagedError(`HTTP 400 ${message}`) : error;
  }
  const kept = keptIn(file);
  if (!isOurs(kept))
    throw new DamagedError(`${kept.sizeBytes} of ${bytes.byteLength} bytes, CRC32C ${kept.crc32c}`);
};

/** The whole content of a file, checked; undefined when there is none. */
const downloadOnce = async (file: File): Promise<Buffer | undefined> => {
  const kept = await keptOf(file);
  if (kept === undefined) return undefined;
  const [bytes] = await file.download({ validation: false });
  if (crc32cOf(bytes) === kept.crc32c) return bytes;
  throw new DamagedError(`${bytes.byteLength} of ${kept.sizeBytes} bytes, not CRC32C ${kept.crc32c}`);
};

/** A bucket of Cloud Storage. */
export const openGcsObjectStore = (options: GcsOptions): ObjectStore => {
  const { endpoint, credentials, publicUrl, signedUrlSeconds, keysPerPage } = options;
  const storage = new Storage({
    ...(endpoint === undefined ? {} : { apiEndpoint: endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
    retryOptions: { autoRetry: false, maxRetries: 0 },
  });
  const bucket = storage.bucket(options.bucket);
  const callBucket = createBucketCalls(options, judgeGcs);
  const call = <T>(
    what: { readonly verb: string; readonly key: string; readonly uploadBytes?: number },
    attempt: (file: File) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> => {
    const subject = `${what.verb} ${what.key} in the bucket ${options.bucket}`;
    // A file of its own for every try: it remembers what it has heard.
    return callBucket({ ...what, subject }, () => attempt(bucket.file(what.key)), signal);
  };
  const pageAt = async (prefix: string, pageToken: string | undefined): Promise<KeyPage> => {
    const [files, next] = await bucket.getFiles({
      prefix,
      autoPaginate: false,
      ...(keysPerPage === undefined ? {} : { maxResults: keysPerPage }),
      ...(pageToken === undefined ? {} : { pageToken }),
    });
    const token = (next as { pageToken?: string } | null)?.pageToken;
    return { keys: files.map(({ name }) => name), next: token };
  };

  return {
    place: `the bucket ${options.bucket} of Cloud Storage`,
    write: async (object, signal) => {
      const crc32c = crc32cOf(object.bytes);
      const what = { verb: 'upload', key: object.key, uploadBytes: object.bytes.byteLength };
      await call(what, (file) => uploadOnce(file, object, crc32c), signal);
    },
    read: (key, signal) => call({ verb: 'download', key }, downloadOnce, signal),
    sizeOf: (key, signal) =>
      call({ verb: 'find', key }, async (file) => (await keptOf(file))?.sizeBytes, signal),
    list: (prefix, signal) =>
      allKeys((token) => call({ verb: 'list', key: prefix }, () => pageAt(prefix, token), signal)),
    remove: (key, signal) =>
      call({ verb: 'remove', key }, async (file) => void (await ifThere(file.delete(), saysAbsent)), signal),
    urlOf: async (key) => {
      if (publicUrl !== undefined) return `${publicUrl}/${keyAddress(key)}`;
      const expires = Date.now() + signedUrlSeconds * 1_000;
      const sign = async (file: File): Promise<string> =>
        (await file.getSignedUrl({ version: 'v4', action: 'read', expires }))[0];
      return call({ verb: 'sign the address of', key }, sign);
    },
    close: () => Promise.resolve(),
  };
};
