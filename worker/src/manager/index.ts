export {
  type Narrate,
  type Narration,
  type NarrationOptions,
  type NarrationParts,
} from './narrate.ts';
export { type Narrator, type NarratorOptions, openNarrator } from './narrator.ts';
export type { NarrationPlan, NarrationRequest } from './plan-narration.ts';
export { pooledEngine } from './pooled-engine.ts';
export { SpeechPool, type SpeechPoolOptions } from './speech-pool.ts';
export { type OpenSpeechThread, speechThreadsFrom } from './speech-thread.ts';
