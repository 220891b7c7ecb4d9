import type { AudioLibrary } from './audio-store.ts';
import { checkStore } from './check-store.ts';
import type { ObjectStore } from './object-store.ts';
import type { RecordLibrary } from './record-store.ts';
import { checkAudioKey, checkStoreKey } from './store-key.ts';

const json = (document: unknown): Uint8Array => Buffer.from(JSON.stringify(document, null, 2));

/** Narrations in a folder or a bucket, each with its metadata beside it. */
export const createAudioLibrary = (objects: ObjectStore): AudioLibrary => ({
  put: async ({ key, bytes, contentType, metadata }, signal) => {
    const sidecarKey = checkAudioKey(key);
    const sidecar = json({ ...metadata, contentType, sizeBytes: bytes.byteLength });
    // Before anything is sent: an audio that nobody can be led to is of no use.
    const url = await objects.urlOf(key);
    // First, so that whoever sees the audio finds it.
    await objects.write({ key: sidecarKey, bytes: sidecar, contentType: 'application/json' }, signal);
    await objects.write({ key, bytes, contentType }, signal);
    return { key, url, sizeBytes: bytes.byteLength };
  },
  read: async (key, signal) => {
    checkStoreKey(key);
    return objects.read(key, signal);
  },
  find: async (key, signal) => {
    checkStoreKey(key);
    const sizeBytes = await objects.sizeOf(key, signal);
    return sizeBytes === undefined ? undefined : { key, url: await objects.urlOf(key), sizeBytes };
  },
  urlOf: async (key) => {
    checkStoreKey(key);
    return objects.urlOf(key);
  },
  check: (signal) => checkStore(objects, signal),
});

/** Documents in the folder or bucket of the narrations. */
export const createRecordStore = (objects: ObjectStore): RecordLibrary => {
  const keep = async (key: string, bytes: Uint8Array): Promise<void> => {
    checkStoreKey(key);
    await objects.write({ key, bytes, contentType: 'application/json' });
  };
  const read = async (key: string): Promise<Uint8Array | undefined> => {
    checkStoreKey(key);
    return objects.read(key);
  };
  return {
    place: objects.place,
    keep,
    read,
    list: async (folder, signal) => {
      checkStoreKey(folder);
      return objects.list(`${folder}/`, signal);
    },
    move: async (key, target) => {
      const bytes = await read(key);
      if (bytes === undefined) return;
      await keep(target, bytes);
      await objects.remove(key);
    },
  };
};
