/** The speech service as a library: what an Electron application, a server or a bench builds on. */
export { bindIpcMain, parseIpcError, TTS_CHANNELS } from './electron.ts';
export { ESPEAK_PROFILE, type SpeechProfile, type Voice } from './engines/index.ts';
export type { EnginePlugin, HostedPlugin } from './pool/speech-line.ts';
export { runBatch } from './chain/batch.ts';
export type { SynthesisRequest, SynthesisResult, TtsService } from './chain/tts-service.ts';
export { TtsManager, type TtsManagerParts } from './chain/tts-manager.ts';
export type { TtsManagerOverrides } from './pool/pool-config.ts';
export { type FlitePluginOptions, openFlitePlugin } from './engines/open/flite-plugin.ts';
export { openPythonPlugin, type PythonPluginOptions } from './engines/open/python-plugin.ts';
