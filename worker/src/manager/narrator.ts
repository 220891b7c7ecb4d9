import { availableParallelism } from 'node:os';
import { createMp3ThreadEncoder } from '../audio/index.ts';
import { compileFlite, FLITE_PROFILE } from '../engines/index.ts';
import { createNarrate, type Narrate } from './narrate.ts';
import { pooledEngine } from './pooled-engine.ts';
import { SpeechPool } from './speech-pool.ts';
import { speechThreadsFrom } from './speech-thread.ts';

/** A thread takes 65 to 95 MB, and four of them speak as fast as the one MP3 thread encodes (about 80 times real time). */
const MAX_DEFAULT_POOL_SIZE = 4;

export interface NarratorOptions {
  /** The built `flite-thread.js`. */
  readonly speechThreadFile: URL;
  /** The built `mp3-thread.js`. */
  readonly mp3ThreadFile: URL;
  /** Speech threads. Default: the parallelism of this machine, 4 at most. */
  readonly poolSize?: number | undefined;
  /** Longest time one chunk may take on a thread, in milliseconds. Default 60,000. */
  readonly chunkTimeoutMs?: number | undefined;
}

export interface Narrator {
  readonly narrate: Narrate;
  /** For operators: what the threads do, and a way to end one. */
  readonly pool: Pick<SpeechPool, 'size' | 'stats' | 'killThread'>;
  /** Settles everything that is under way and ends every thread. */
  readonly close: () => Promise<void>;
}

/**
 * The embedded narrator: flite voices on a pool of threads, MP3 on one more. Threads start with the first text.
 *
 * @throws TalebackError `model_loading_failed`.
 */
export const openNarrator = async (options: NarratorOptions): Promise<Narrator> => {
  const { speechThreadFile, mp3ThreadFile, chunkTimeoutMs } = options;
  const pool = new SpeechPool({
    openThread: speechThreadsFrom(speechThreadFile, await compileFlite()),
    size: options.poolSize ?? Math.min(availableParallelism(), MAX_DEFAULT_POOL_SIZE),
    chunkTimeoutMs,
  });
  const encoder = createMp3ThreadEncoder({ threadFile: mp3ThreadFile });
  return {
    narrate: createNarrate({ engine: pooledEngine(FLITE_PROFILE, pool), encoder }),
    pool,
    close: async () => {
      await Promise.all([pool.close(), encoder.close()]);
    },
  };
};
