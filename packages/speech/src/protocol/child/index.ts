/** What a speech child in TypeScript is made of. */
export { ownStdout, type ProtocolOutput } from './own-stdout.ts';
export { type SpeechService, serveSpeech } from './serve-speech.ts';
