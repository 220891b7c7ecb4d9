/** The speech service as a library: what an Electron application, a server or a bench builds on. */
export { type AudioEncoder, type AudioStream, createWavEncoder } from './audio/audio-encoder.ts';
export { createMp3ThreadEncoder, type Mp3EncoderOptions } from './audio/mp3-encoder.node.ts';
export type { Pcm } from './audio/pcm.ts';
export { runBatch } from './chain/batch.ts';
export { TtsManager, type TtsManagerParts } from './chain/tts-manager.ts';
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
export type { TtsManagerOverrides } from './pool/pool-config.ts';
export type { EnginePlugin, HostedPlugin } from './pool/speech-line.ts';
