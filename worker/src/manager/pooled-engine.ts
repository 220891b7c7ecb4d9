import type { SpeechEngine, SpeechProfile } from '../engines/index.ts';
import type { SpeechPool } from './speech-pool.ts';

/** An engine whose chunks are spoken by a pool of threads. */
export const pooledEngine = (profile: SpeechProfile, pool: SpeechPool): SpeechEngine => ({
  ...profile,
  concurrency: pool.size,
  synthesizeChunk: (chunk, options) => pool.synthesizeChunk(chunk, options),
});
