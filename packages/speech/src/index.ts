/** Text to speech with a worker pool, fallback engines and a cache: what an application, a server or a bench builds on. */

export { type AudioEncoder, type AudioStream, createWavEncoder } from './audio/audio-encoder.ts';
export { decodeMp3 } from './audio/mp3-decoder.ts';
export { createMp3ThreadEncoder, type Mp3EncoderOptions } from './audio/mp3-encoder.node.ts';
export { type Pcm, samplesIn } from './audio/pcm.ts';
export { formatWav, parseWav } from './audio/wav.ts';
export { type CacheLimits, type CacheStatus, SoundCache } from './cache/sound-cache.ts';
export { withChunkCache, withNarrationCache } from './cache/with-cache.ts';
export { cancellationOf, throwIfCancelled } from './cancellation.ts';
export { type BatchItem, type BatchOptions, type BatchReport, runBatch } from './chain/batch.ts';
export { type FailedTry, type Narrate, type Narration, type SpeechCaches } from './chain/narrate.ts';
export { type NarrationOptions, type NarrationRequest } from './chain/plan-narration.ts';
export { type SynthesisRequest, type SynthesisResult } from './chain/synthesis-request.ts';
export {
  type ServiceSnapshot,
  TtsManager,
  // The names of seed 004. @see docs/origins.md#service
  TtsManager as TTSManager,
  type TtsManagerParts,
  type TtsService,
  type TtsService as ITTSService,
} from './chain/tts-manager.ts';
export { VoiceEngine } from './chain/voice-engine.ts';
export { bindIpcMain, parseIpcError, TTS_CHANNELS } from './electron.ts';
export type * from './engines/engine.ts';
export { speaksLanguage, SPEED_RANGE } from './engines/engine.ts';
export {
  type EngineProfile,
  type NumberInForce,
  numbersInForce,
  profileSettings,
  settingsOf,
} from './engines/engine-profiles.ts';
export * from './engines/engine-settings.ts';
export { loadFlite } from './engines/flite/flite-engine.ts';
export type * from './engines/hosted-plugins.node.ts';
export { openFlitePlugin, openPythonPlugin, processChild } from './engines/hosted-plugins.node.ts';
export { openEngine, type OpenEngine } from './engines/open-engine.node.ts';
export type { OwnEngineModule } from './engines/own-engine.node.ts';
export { ESPEAK_PROFILE } from './engines/python-profiles.ts';
export {
  BALANCING,
  type TtsManagerConfig,
  type TtsManagerOverrides,
  type TtsManagerOverrides as TTSManagerConfig,
} from './pool/pool-config.ts';
export type * from './pool/speech-line.ts';
export { isRemote } from './pool/speech-line.ts';
export { speakWord } from './pool/service-probes.ts';
export type * from './pool/speech-child.ts';
export { isProtocolVersion, PROTOCOL_VERSIONS, type ProtocolVersion } from './protocol/protocol.ts';
export { openSoundFiles, type OpenSoundFiles } from './protocol/sound-files.node.ts';
export type * from './status/service-status.ts';
export { splitText, type TextPiece, spokenLength } from './text/split-text.ts';
export { loadVoiceProfile, type ProfilePorts } from './voices/load-voice-profile.ts';
