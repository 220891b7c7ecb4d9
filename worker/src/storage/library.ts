import { randomUUID } from 'node:crypto';
import { isWellFormed, TalebackError, toWellFormed } from '@taleback/core';
import { isNarrationKey } from '@taleback/core/storage';
import type { AudioObject, StoredAudio } from '@taleback/handler';

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
  close(): Promise<void>;
}

/** Ending of the document beside an audio. */
const SIDECAR_ENDING = '.json';

/**
 * How long caches may keep an object. A narration never changes under its key, because that names the job; a year is the
 * longest that they honour. What is private is in no cache.
 */
export const cacheControlOf = (key: string): string =>
  isNarrationKey(key.endsWith(SIDECAR_ENDING) ? key.slice(0, -SIDECAR_ENDING.length) : key)
    ? 'public, max-age=31536000, immutable'
    : 'no-store';

/** What buckets take. @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html */
const MAX_KEY_BYTES = 1_024;
/** File systems take names of 255 bytes, of which the endings of a sidecar and a draft take 47. */
const MAX_SEGMENT_BYTES = 208;

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
 * `checkStoreKey` for a narration: nothing else is played, or gets an address.
 *
 * @returns the key of its sidecar
 */
export const checkAudioKey = (key: string): string => {
  checkStoreKey(key);
  if (!isNarrationKey(key)) throw refuse(key, 'is not that of a narration');
  return `${key}${SIDECAR_ENDING}`;
};

/** A key as the path of an address. RFC 3986 in full, because a signature covers exactly these characters. */
export const keyAddress = (key: string): string =>
  key
    .split('/')
    .map((segment) =>
      encodeURIComponent(segment).replace(
        /[!'()*]/g,
        (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
      ),
    )
    .join('/');

const json = (document: unknown): Uint8Array => Buffer.from(JSON.stringify(document, null, 2));

/**
 * Narrations, each with its metadata beside it as `<key>.json`, and documents that people may have to look at. Every
 * method rejects with a TalebackError, as the store does, or because of the key.
 */
export const createLibrary = (objects: ObjectStore) => {
  /** The bytes under a key, a narration's or any others, such as a voice's recording; undefined when there are none. */
  const read = async (key: string, signal?: AbortSignal): Promise<Uint8Array | undefined> => {
    checkStoreKey(key);
    return objects.read(key, signal);
  };
  /** Stores a document; a reader sees all of it or nothing, and the same key is replaced. */
  const keep = async (key: string, bytes: Uint8Array, contentType = 'application/json'): Promise<void> => {
    checkStoreKey(key);
    await objects.write({ key, bytes, contentType });
  };
  const urlOf = async (key: string): Promise<string> => {
    checkAudioKey(key);
    return objects.urlOf(key);
  };
  return {
    /** What people call the store. */
    place: objects.place,
    read,
    keep,
    /**
     * Stores an audio and its metadata; a reader sees all of it or nothing, and always with its metadata. The same key
     * is replaced, so a repeated job does no harm.
     */
    put: async (audio: AudioObject, signal?: AbortSignal): Promise<StoredAudio> => {
      const { key, bytes, contentType, metadata } = audio;
      const sidecarKey = checkAudioKey(key);
      const sidecar = json({ ...metadata, contentType, sizeBytes: bytes.byteLength });
      // Before anything is sent: an audio without an address is of no use.
      const url = await objects.urlOf(key);
      // First, so that readers of the audio find it.
      await objects.write({ key: sidecarKey, bytes: sidecar, contentType: 'application/json' }, signal);
      await objects.write({ key, bytes, contentType }, signal);
      return { key, url, sizeBytes: bytes.byteLength };
    },
    /** Finds an audio without fetching it; undefined when it is not there. */
    find: async (key: string, signal?: AbortSignal): Promise<StoredAudio | undefined> => {
      checkStoreKey(key);
      const sizeBytes = await objects.sizeOf(key, signal);
      return sizeBytes === undefined ? undefined : { key, url: await urlOf(key), sizeBytes };
    },
    /** Where an audio can be played; it need not be there. May contain a signature that expires. */
    urlOf,
    /** Keys in a folder, at any depth, sorted; none when there is no such folder. */
    list: async (folder: string, signal?: AbortSignal): Promise<readonly string[]> => {
      checkStoreKey(folder);
      return objects.list(`${folder}/`, signal);
    },
    /** Removes what lies under a key, if anything does. */
    remove: async (key: string): Promise<void> => {
      checkStoreKey(key);
      await objects.remove(key);
    },
    /** Removes an audio and its metadata; what is no narration is left alone. */
    removeAudio: async (key: unknown): Promise<void> => {
      if (typeof key !== 'string' || !isNarrationKey(key)) return;
      const sidecarKey = checkAudioKey(key);
      await objects.remove(key);
      await objects.remove(sidecarKey);
    },
    /**
     * Moves a document to another key: it is stored there before it is removed here, so that a crash leaves it twice and
     * never loses it. Does nothing when it is gone already.
     */
    move: async (key: string, target: string): Promise<void> => {
      const bytes = await read(key);
      if (bytes === undefined) return;
      await keep(target, bytes);
      await objects.remove(key);
    },
    /**
     * Writes a small object, reads it back and removes it. Resolves with the place.
     *
     * @param inspect called while the object is there; default: none, but its address is made before anything is written
     */
    check: async (
      signal?: AbortSignal,
      inspect?: (key: string, text: string) => Promise<unknown>,
    ): Promise<{ readonly place: string }> => {
      const { place } = objects;
      const key = `check-${randomUUID()}.txt`;
      const text = `written by a check of ${place}\n`;
      const bytes = Buffer.from(text);
      if (inspect === undefined) await objects.urlOf(key);
      await objects.write({ key, bytes, contentType: 'text/plain' }, signal);
      try {
        const back = await objects.read(key, signal);
        if (back === undefined || Buffer.compare(bytes, back) !== 0)
          throw new TalebackError('storage_unavailable', 'The store does not give back what it was given', {
            details: `${place}: ${back?.byteLength ?? 'none'} of ${bytes.byteLength} bytes of ${key}`,
          });
        await inspect?.(key, text);
      } catch (error) {
        await objects.remove(key).catch(() => {});
        throw error;
      }
      await objects.remove(key, signal);
      return { place };
    },
    close: (): Promise<void> => objects.close(),
  };
};

export type Library = ReturnType<typeof createLibrary>;
