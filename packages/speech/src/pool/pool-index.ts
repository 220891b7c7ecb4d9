export type {
  ChildCall,
  ChildPulse,
  ChildReadiness,
  OpenSpeechChild,
  SpeechChild,
  SpeechChildEvents,
  SpeechRequest,
} from './speech-child.ts';
export { type SpeakOptions, WorkerPool, type WorkerPoolOptions } from './worker-pool.ts';
