export { type AudioKeyParts, audioKey, trustedStoragePath } from '@taleback/core/storage';
export type { AudioObject, AudioStore, StoredAudio } from './audio-store.ts';
export { type RecordStore, recordKey } from './record-store.ts';
