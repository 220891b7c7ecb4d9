export { type AudioKeyParts, audioKey, trustedStoragePath } from './audio-key.ts';
export type { AudioObject, AudioStore, StoredAudio } from './audio-store.ts';
