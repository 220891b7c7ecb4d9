import { createHash } from 'node:crypto';
import { toWellFormed } from '@taleback/core';

/** Where documents lie that people may have to look at, beside the narrations. */
export interface RecordStore {
  /**
   * Keeps a document; a reader sees all of it or nothing, and the same key is replaced.
   * @throws TalebackError `disk_full`, `storage_upload_failed` or `storage_unavailable`
   */
  keep(key: string, bytes: Uint8Array): Promise<void>;
}

/** Documents that can also be looked through. Every method rejects with a TalebackError, as the store has it. */
export interface RecordLibrary extends RecordStore {
  /** What people call the store, such as `the folder /var/audio`. */
  readonly place: string;
  /** Keys of the documents in a folder, at any depth, in their order; none when there is no such folder. */
  list(folder: string, signal?: AbortSignal): Promise<readonly string[]>;
  /** Undefined when there is none. */
  read(key: string): Promise<Uint8Array | undefined>;
  /**
   * Puts a document under another key: it is kept there before it goes here, so that a crash leaves it twice and never
   * loses it. Does nothing when it is gone already.
   */
  move(key: string, target: string): Promise<void>;
}

/** What follows it in a name, and a draft's ending, still fit into the 255 characters of a file system. */
const LEGIBLE_CHARACTERS = 100;

/** The part of a name that names the story; what is not safe in a path is encoded, and a very long one gets a hash. */
const segment = (text: string): string => {
  const safe = encodeURIComponent(toWellFormed(text)).replace(
    /[!'()*~.]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  if (safe.length <= LEGIBLE_CHARACTERS) return safe;
  return `${safe.slice(0, LEGIBLE_CHARACTERS)}-${createHash('sha256').update(safe).digest('hex')}`;
};

/**
 * `{folder}/YYYY-MM-DD/{story}-{unix}.json`, as the source systems lay it out; the day is that of the time, in UTC.
 *
 * @param unixMs milliseconds, so that two documents of one story never share a key
 */
export const recordKey = (folder: string, storyId: string, unixMs: number): string =>
  `${folder}/${new Date(unixMs).toISOString().slice(0, 10)}/${segment(storyId)}-${unixMs}.json`;
