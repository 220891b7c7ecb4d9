/** Bytes under a key. */
export interface StoreObject {
  readonly key: string;
  readonly bytes: Uint8Array;
  /** Such as `audio/mpeg`. */
  readonly contentType: string;
}

/**
 * A folder or a bucket, as far as narrations and documents need one. It is given keys that `checkStoreKey` took.
 *
 * Every method rejects with a TalebackError: `credentials_invalid`, `permission_denied`, `storage_unavailable`,
 * `storage_upload_failed` or `disk_full`; `job_cancelled` when the signal aborts. None holds a secret.
 */
export interface ObjectStore {
  /** What people call it, such as `the folder /var/audio`. */
  readonly place: string;
  /** Keeps the bytes and makes sure that they arrived; a reader sees all of them or what was there before. */
  write(object: StoreObject, signal?: AbortSignal): Promise<void>;
  /** The bytes; undefined when there are none. */
  read(key: string, signal?: AbortSignal): Promise<Uint8Array | undefined>;
  /** How many bytes there are; undefined when nothing lies there. */
  sizeOf(key: string, signal?: AbortSignal): Promise<number | undefined>;
  /** The keys that begin with a prefix such as `failed_callbacks/`, all of them, in their order; of drafts none. */
  list(prefix: string, signal?: AbortSignal): Promise<readonly string[]>;
  /** Removes what lies there, if anything does. */
  remove(key: string, signal?: AbortSignal): Promise<void>;
  /** Where it can be fetched. */
  urlOf(key: string): Promise<string>;
}

/** Objects never change under their key, because it names the job; a year is the longest that caches honour. */
export const CACHE_CONTROL = 'public, max-age=31536000, immutable';
