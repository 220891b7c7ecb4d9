export { cancellationOf, throwIfCancelled } from './cancellation.ts';
export { createChatterboxEngine } from './chatterbox/chatterbox-engine.ts';
export {
  chooseVoice,
  clonedVoice,
  findVoice,
  firstVoice,
  speaksLanguage,
  type VoiceWish,
} from './choose-voice.ts';
export { createCoquiEngine } from './coqui/coqui-engine.ts';
export { createEdgeEngine } from './edge/edge-engine.ts';
export { createElevenlabsEngine } from './elevenlabs/elevenlabs-engine.ts';
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
export { chatterboxProfile, coquiProfile } from './hosted-profiles.ts';
export { createKokoroEngine } from './kokoro/kokoro-engine.ts';
export type { EngineProbe, RemoteEngine } from './remote/remote-engine.ts';
export type { HttpAnswer, HttpRequest, SpeechHttp } from './remote/speech-http.ts';
export { serveThread } from './serve-thread.ts';
export type { FromSpeechThread, SpeechThreadData, ToSpeechThread } from './thread-protocol.ts';
