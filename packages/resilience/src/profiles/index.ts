export type { ResilienceProfile } from './profile.ts';
export { edge, elevenlabs, guarded, kokoro } from './provider-profiles.ts';
export { worker } from './worker-profile.ts';
