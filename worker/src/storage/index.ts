export { type AudioKeyParts, audioKey, trustedStoragePath } from '@taleback/core/storage';
export { createAudioLibrary, createRecordStore } from './audio-library.ts';
export type { AudioLibrary, AudioObject, AudioStore, StoreCheck, StoredAudio } from './audio-store.ts';
export { CACHE_CONTROL, type ObjectStore, type StoreObject } from './object-store.ts';
export { type RecordLibrary, type RecordStore, recordKey } from './record-store.ts';
export { keyAddress } from './store-key.ts';
