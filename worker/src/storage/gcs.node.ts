import { CRC32C, type File, type GetFilesOptions, Storage, type StorageOptions } from '@google-cloud/storage';
import { type Clock, type RetryPolicy, retry, systemClock, tryWithDeadline } from '@taleback/resilience';
import { cancellationOf, throwIfCancelled } from '@taleback/speech';
import { CACHE_CONTROL, keyAddress, type ObjectStore, type StoreObject } from './library.ts';
import { ChecksumError, classifyGcsFault, gcsFaultOf, saysAbsent, toGcsError } from './gcs-fault.ts';

export interface GcsOptions {
  readonly bucket: string;
  /** Another address than Google's, such as that of an emulator; it is used without signing in. */
  readonly endpoint?: string | undefined;
  /** Default: what Google's libraries find, such as `GOOGLE_APPLICATION_CREDENTIALS`. */
  readonly credentials?: StorageOptions['credentials'];
  /** Address that the bucket is published under, without a closing slash. Without it, addresses are signed. */
  readonly publicUrl?: string | undefined;
  /** How long a signed address holds, seconds, at most 604,800. */
  readonly signedUrlSeconds: number;
  /** Default: four tries, after 0.5, 1 and 2 s. */
  readonly retry?: RetryPolicy | undefined;
  /** Time for one try without what its bytes take, ms. Default 10,000. */
  readonly timeoutMs?: number | undefined;
  /** Keys in one page of a list, 1 to 1,000. Default: as many as the store gives. */
  readonly keysPerPage?: number | undefined;
  readonly clock?: Clock | undefined;
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
const PRECONDITION_FAILED = 412;

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
  try {
    await file.getMetadata();
    return keptIn(file);
  } catch (error) {
    if (saysAbsent(error)) return undefined;
    throw error;
  }
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
      metadata: { contentType, cacheControl: CACHE_CONTROL, crc32c },
      preconditionOpts: { ifGenerationMatch: before?.generation ?? 0 },
    });
  } catch (error) {
    const { status, message } = gcsFaultOf(error);
    // Another upload of this key came in between: as if it had come right after ours.
    if (status === PRECONDITION_FAILED && (await keptOf(file)) !== undefined) return;
    throw status === 400 && /crc32c/i.test(message) ? new ChecksumError(message) : error;
  }
  const kept = keptIn(file);
  if (!isOurs(kept))
    throw new ChecksumError(`${kept.sizeBytes} of ${bytes.byteLength} bytes, CRC32C ${kept.crc32c}`);
};

interface KeyPage {
  readonly keys: readonly string[];
  /** Asks for the next page; undefined on the last. */
  readonly pageToken: string | undefined;
}

/** One page of keys in the bucket of a file. */
const pageOf = async ({ bucket }: File, asked: GetFilesOptions): Promise<KeyPage> => {
  const [found, next] = await bucket.getFiles({ ...asked, autoPaginate: false });
  return { keys: found.map(({ name }) => name), pageToken: (next as GetFilesOptions | null)?.pageToken };
};

/** A bucket of Cloud Storage. */
export const openGcsObjectStore = (options: GcsOptions): ObjectStore => {
  const { timeoutMs = TIMEOUT_MS, clock = systemClock, endpoint, credentials, publicUrl } = options;
  const storage = new Storage({
    ...(endpoint === undefined ? {} : { apiEndpoint: endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
    retryOptions: { autoRetry: false, maxRetries: 0 },
  });
  const bucket = storage.bucket(options.bucket);

  const call = async <T>(
    what: { readonly verb: string; readonly key: string; readonly sizeBytes?: number },
    attempt: (file: File) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> => {
    throwIfCancelled(signal);
    const limitMs = timeoutMs + (what.sizeBytes ?? 0) / SLOWEST_BYTES_PER_MS;
    const outcome = await retry(
      async () => {
        // A file of its own for every try: it remembers what it has heard.
        const end = await tryWithDeadline(() => attempt(bucket.file(what.key)), limitMs, { signal, clock });
        if (end.kind === 'completed') return end.value;
        throw end.kind === 'aborted' ? end.reason : new Error(`no answer within ${limitMs} ms`);
      },
      { ...(options.retry ?? RETRY), classify: classifyGcsFault, signal, clock },
    );
    if (outcome.kind === 'succeeded') return outcome.value;
    if (signal?.aborted === true) throw cancellationOf(signal);
    const subject = `${what.verb} ${what.key} in the bucket ${options.bucket}`;
    throw toGcsError(outcome.lastError, subject, what.verb === 'upload');
  };

  return {
    place: `the bucket ${options.bucket} of Cloud Storage`,
    write: async (object, signal) => {
      const crc32c = crc32cOf(object.bytes);
      const what = { verb: 'upload', key: object.key, sizeBytes: object.bytes.byteLength };
      await call(what, (file) => uploadOnce(file, object, crc32c), signal);
    },
    read: (key, signal) =>
      call(
        { verb: 'download', key },
        async (file) => {
          const kept = await keptOf(file);
          if (kept === undefined) return undefined;
          const [bytes] = await file.download({ validation: false });
          if (crc32cOf(bytes) === kept.crc32c) return bytes;
          throw new ChecksumError(
            `${bytes.byteLength} of ${kept.sizeBytes} bytes, not CRC32C ${kept.crc32c}`,
          );
        },
        signal,
      ),
    sizeOf: (key, signal) =>
      call({ verb: 'find', key }, async (file) => (await keptOf(file))?.sizeBytes, signal),
    list: async (prefix, signal) => {
      const keys: string[] = [];
      let pageToken: string | undefined;
      do {
        const asked = {
          prefix,
          ...(options.keysPerPage === undefined ? {} : { maxResults: options.keysPerPage }),
          ...(pageToken === undefined ? {} : { pageToken }),
        };
        const page = await call({ verb: 'list', key: prefix }, (file) => pageOf(file, asked), signal);
        keys.push(...page.keys);
        ({ pageToken } = page);
      } while (pageToken !== undefined);
      return keys;
    },
    remove: (key, signal) =>
      call(
        { verb: 'remove', key },
        async (file) => {
          await file.delete().catch((error: unknown) => {
            if (!saysAbsent(error)) throw error;
          });
        },
        signal,
      ),
    urlOf: (key) => {
      if (publicUrl !== undefined) return Promise.resolve(`${publicUrl}/${keyAddress(key)}`);
      const expires = Date.now() + options.signedUrlSeconds * 1_000;
      return call(
        { verb: 'sign the address of', key },
        async (file) => (await file.getSignedUrl({ version: 'v4', action: 'read', expires }))[0],
        undefined,
      );
    },
  };
};
