export { cancellationOf, throwIfCancelled } from './cancellation.ts';
export { chooseVoice, type VoiceWish } from './choose-voice.ts';
export {
  type SpeechChunk,
  type SpeechEngine,
  type SpeechProfile,
  SPEED_RANGE,
  type SynthesisOptions,
  type Voice,
} from './engine.ts';
export { FLITE_PROFILE } from './flite/flite-engine.ts';
export { compileFlite } from './flite/flite-module.ts';
export type { FromSpeechThread, ToSpeechThread } from './thread-protocol.ts';
