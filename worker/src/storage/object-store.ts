import { isWellFormed, TalebackError, toWellFormed } from '@taleback/core';

/** Bytes under a key. */
export interface StoreObject {
  readonly key: string;
  readonly bytes: Uint8Array;
  /** Such as `audio/mpeg`. */
  readonly contentType: string;
}

/**
 * A folder or a bucket, as far as narrations and documents need one. It gets only keys that `checkStoreKey` accepted.
 *
 * Every method rejects with a TalebackError: `credentials_invalid`, `permission_denied`, `storage_unavailable`,
 * `storage_upload_failed` or `disk_full`; `job_cancelled` when the signal aborts. None contains a secret.
 */
export interface ObjectStore {
  /** What people call it, such as `the folder /var/audio`. */
  readonly place: string;
  /** Stores the bytes and makes sure that they arrived; a reader sees all of them or what was there before. */
  write(object: StoreObject, signal?: AbortSignal): Promise<void>;
  /** The bytes; undefined when there are none. */
  read(key: string, signal?: AbortSignal): Promise<Uint8Array | undefined>;
  /** How many bytes there are; undefined when there is nothing. */
  sizeOf(key: string, signal?: AbortSignal): Promise<number | undefined>;
  /** The keys that begin with a prefix such as `failed_callbacks/`, all of them, sorted; of drafts none. */
  list(prefix: string, signal?: AbortSignal): Promise<readonly string[]>;
  /** Removes what is there, if anything is. */
  remove(key: string, signal?: AbortSignal): Promise<void>;
  /** Where it can be fetched. */
  urlOf(key: string): Promise<string>;
}

/** Objects never change under their key, because it names the job; a year is the longest that caches honour. */
export const CACHE_CONTROL = 'public, max-age=31536000, immutable';

/** What buckets take. @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html */
const MAX_KEY_BYTES = 1_024;
/** File systems take names of 255 bytes, of which the endings of a sidecar and a draft take 47. */
const MAX_SEGMENT_BYTES = 208;

/** Ending of the document beside an audio. */
const SIDECAR_ENDING = '.json';

/** Why no store may take a key; undefined when every store can. */
const faultOf = (key: string): string | undefined => {
  if (!isWellFormed(key)) return 'is no text';
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  if (/[\u0000-\u001f\u007f\\]/.test(key)) return 'holds a control character or a backslash';
  const segments = key.split('/');
  if (segments.some((segment) => ['', '.', '..'].includes(segment))) return 'leaves the folder';
  if (segments.some((segment) => Buffer.byteLength(segment) > MAX_SEGMENT_BYTES))
    return 'has too long a name in it';
  return Buffer.byteLength(key) + SIDECAR_ENDING.length > MAX_KEY_BYTES ? 'is too long' : undefined;
};

const refuse = (key: string, fault: string): TalebackError =>
  new TalebackError('storage_upload_failed', 'This is no place in the store', {
    details: `${toWellFormed(key.slice(0, MAX_KEY_BYTES))}: ${fault}`,
    retryable: false,
  });

/**
 * The one place where keys are checked: relative, without `.`, `..` or an empty name in its path, and short enough for
 * a file system and a bucket (names of 208 bytes, 1,019 in all).
 *
 * @throws TalebackError `storage_upload_failed`, not to be tried again
 */
export const checkStoreKey = (key: string): void => {
  const fault = faultOf(key);
  if (fault !== undefined) throw refuse(key, fault);
};

/**
 * `checkStoreKey` for an audio, whose name may not look like that of a sidecar.
 *
 * @returns the key of its sidecar
 */
export const checkAudioKey = (key: string): string => {
  checkStoreKey(key);
  if (key.endsWith(SIDECAR_ENDING)) throw refuse(key, 'has the ending of what lies beside an audio');
  return `${key}${SIDECAR_ENDING}`;
};

/** A key as the path of an address. RFC 3986 in full, because a signature covers exactly these characters. */
export const keyAddress = (key: string): string =>
  key
    .split('/')
    .map((segment) =>
      encodeURIComponent(segment).replace(
        /[!'()*]/g,
        (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
      ),
    )
    .join('/');
