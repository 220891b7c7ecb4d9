export { loadVoiceProfile, type ProfilePorts } from './load-voice-profile.ts';
export { type ProfileSource, profileOf } from './profile-of.ts';
