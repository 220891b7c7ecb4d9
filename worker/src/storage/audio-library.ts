import type { AudioLibrary } from './audio-store.ts';
import { checkStore } from './check-store.ts';
import type { ObjectStore } from './object-store.ts';
import type { RecordStore } from './record-store.ts';
import { checkAudioKey, checkStoreKey } from './store-key.ts';

const json = (document: unknown): Uint8Array => Buffer.from(JSON.stringify(document, null, 2));

/** Narrations in a folder or a bucket, each with its metadata beside it. */
export const createAudioLibrary = (objects: ObjectStore): AudioLibrary => ({
  put: async ({ key, bytes, contentType, metadata }, signal) => {
    const sidecarKey = checkAudioKey(key);
    const sidecar = json({ ...metadata, contentType, sizeBytes: bytes.byteLength });
    // First, so that whoever sees the audio finds it.
    await objects.write({ key: sidecarKey, bytes: sidecar, contentType: 'application/json' }, signal);
    await objects.write({ key, bytes, contentType }, signal);
    return { key, url: await objects.urlOf(key), sizeBytes: bytes.byteLength };
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
export const createRecordStore = (objects: ObjectStore): RecordStore => ({
  keep: async (key, bytes) => {
    checkStoreKey(key);
    await objects.write({ key, bytes, contentType: 'application/json' });
  },
});
