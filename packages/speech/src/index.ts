/** The speech service as a library: what an Electron application, a server or a bench builds on. */
export { type AudioEncoder, type AudioStream, createWavEncoder } from './audio/audio-encoder.ts';
export { createMp3ThreadEncoder, type Mp3EncoderOptions } from './audio/mp3-encoder.node.ts';
export type { Pcm } from './audio/pcm.ts';
export { type BatchItem, type BatchOptions, type BatchReport, runBatch } from './chain/batch.ts';
export type { FailedTry, Narrate, Narration, NarrationOptions, SpeechCaches } from './chain/narrate.ts';
export type { NarrationRequest } from './chain/plan-narration.ts';
export { type ServiceSnapshot, TtsManager, type TtsManagerParts } from './chain/tts-manager.ts';
export type { SynthesisRequest, SynthesisResult, TtsService } from './chain/tts-service.ts';
export { bindIpcMain, parseIpcError, TTS_CHANNELS } from './electron.ts';
export type { SpeechEngine, SpeechProfile, Voice } from './engines/engine.ts';
export {
  type FlitePluginOptions,
  openFlitePlugin,
  openPythonPlugin,
  type PythonPluginOptions,
} from './engines/hosted-plugins.node.ts';
export { ESPEAK_PROFILE } from './engines/python-profiles.ts';
export { BALANCING, type TtsManagerConfig, type TtsManagerOverrides } from './pool/pool-config.ts';
export type {
  PoolMode,
  PoolSnapshot,
  WorkerBreakerState,
  WorkerSnapshot,
  WorkerState,
} from './pool/pool-snapshot.ts';
export type {
  ChildCall,
  ChildPulse,
  ChildReadiness,
  OpenSpeechChild,
  SpeechChild,
  SpeechChildEvents,
  SpeechRequest,
} from './pool/speech-child.ts';
export { type EnginePlugin, type HostedPlugin, isRemote } from './pool/speech-line.ts';
export type { FaultOrigin, SynthesisEvent, SynthesisListener } from './pool/synthesis-event.ts';
export type { EngineStatus } from './status/engine-status.ts';
export type { ProtectionSummary, Readiness, ServicePhase, ServiceState } from './status/readiness.ts';
export type { MachineUsage, ServiceStatus } from './status/service-status.ts';
