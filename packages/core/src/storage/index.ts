export { type AudioKeyParts, audioKey, trustedStoragePath } from './audio-key.ts';
