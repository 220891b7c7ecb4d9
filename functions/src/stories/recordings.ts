import { keysBefore, recordingHash, recordingKey, RECORDINGS } from '@taleback/core/storage';

/** Bytes under keys, in a folder or a bucket. Every method rejects when there is no usable answer. */
export interface ObjectStore {
  readonly write: (key: string, bytes: Uint8Array) => Promise<void>;
  /** Undefined when there is nothing. */
  readonly read: (key: string) => Promise<Uint8Array | undefined>;
  /** The keys that begin with a prefix. */
  readonly list: (prefix: string) => Promise<readonly string[]>;
  /** Removes what is there, if anything is. */
  readonly remove: (key: string) => Promise<void>;
}

export interface RecordingsOptions {
  /** Has no public address. */
  readonly store: ObjectStore;
  readonly lifetimeMs: number;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** Recordings that came with jobs: whatever is queued or kept contains their place. */
export const createRecordings = ({ store, lifetimeMs, now }: RecordingsOptions) => ({
  /** @returns the place */
  keep: async (userId: string, bytes: Uint8Array): Promise<string> => {
    const key = recordingKey({ userId, bytes, nowMs: now() });
    await store.write(key, bytes);
    return key;
  },
  /** Undefined when it has expired, or the place is none of ours. */
  read: async (place: string): Promise<Uint8Array | undefined> =>
    recordingHash(place) === undefined ? undefined : store.read(place),
  /** Removes those whose time is over. */
  removeExpired: async (): Promise<void> => {
    for (const key of keysBefore(await store.list(`${RECORDINGS}/`), now() - lifetimeMs))
      await store.remove(key);
  },
});

export type Recordings = ReturnType<typeof createRecordings>;
