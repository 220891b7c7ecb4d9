/** The speech service as a library: what an Electron application, a server or a bench builds on. */
export { bindIpcMain, parseIpcError, TTS_CHANNELS } from './electron/index.ts';
export { ESPEAK_PROFILE, type SpeechProfile, type Voice } from './engines/index.ts';
export {
  type EnginePlugin,
  type HostedPlugin,
  runBatch,
  type SynthesisRequest,
  type SynthesisResult,
  TtsManager,
  type TtsManagerOverrides,
  type TtsManagerParts,
  type TtsService,
} from './manager/index.ts';
export { type FlitePluginOptions, openFlitePlugin } from './engines/open/flite-plugin.ts';
export { openPythonPlugin, type PythonPluginOptions } from './engines/open/python-plugin.ts';
