export { cancellationOf, throwIfCancelled } from './cancellation.ts';
export { chooseVoice, findVoice, speaksLanguage, type VoiceWish } from './choose-voice.ts';
export {
  SPEED_RANGE,
  type SpeechChunk,
  type SpeechEngine,
  type SpeechProfile,
  type SynthesisOptions,
  type Voice,
  type VoiceProfile,
  type VoiceStyle,
} from './engine.ts';
export { ESPEAK_PROFILE } from './espeak/espeak-profile.ts';
export { createFliteEngine, FLITE_PROFILE } from './flite/flite-engine.ts';
export { compileFlite } from './flite/flite-module.ts';
export { loadFlite } from './flite/load-flite.ts';
export type { EngineProbe, RemoteEngine } from './remote/remote-engine.ts';
export type { HttpAnswer, HttpRequest, SpeechHttp } from './remote/speech-http.ts';
export { serveThread } from './serve-thread.ts';
export type { FromSpeechThread, SpeechThreadData, ToSpeechThread } from './thread-protocol.ts';
