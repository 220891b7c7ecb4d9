export { type BatchItem, type BatchReport, runBatch } from './batch.ts';
export { type EnginePlugin, type HostedPlugin, isRemote } from './engine-plugin.ts';
export { type ChainEngine, type ChainMember, narrateWithFallbacks, planChain } from '../chain/index.ts';
export {
  BALANCING,
  type TtsManagerConfig,
  type TtsManagerOverrides,
} from './manager-config.ts';
export type { FailedTry, Narrate, Narration, NarrationOptions } from './narrate.ts';
export type { NarrationPlan, NarrationRequest } from './plan-narration.ts';
export type {
  ChildCall,
  ChildPulse,
  ChildReadiness,
  OpenSpeechChild,
  SpeechChild,
  SpeechChildEvents,
  SpeechRequest,
} from '../pool/pool-index.ts';
export { TtsManager, type TtsManagerParts } from './tts-manager.ts';
export type { SynthesisRequest, SynthesisResult, TtsService } from './tts-service.ts';
