import { systemClock } from '@taleback/resilience';
import { type CacheStatus, SoundCache } from '@taleback/speech/src/cache/sound-cache.ts';
import { withChunkCache, withNarrationCache } from '@taleback/speech/src/cache/with-cache.ts';
import type { CacheConfig } from './config/cache-environment.ts';
import type { Log } from '@taleback/core';
import type { SpeechCaches } from '@taleback/speech/src/chain/narrate.ts';

export interface CacheOptions {
  readonly config: CacheConfig;
  /** What an engine's sound depends on beside its name and the request, such as its model; asked for every piece. */
  readonly versionOf: (engine: string) => string;
  /** What the narrations are encoded as, such as `mp3 64 kbit/s`. */
  readonly encoder: string;
  readonly log: Log;
}

export interface OpenCache {
  /** What stands around every engine of a narrator. */
  readonly around: SpeechCaches;
  /** Undefined while it is off. */
  readonly status: () => CacheStatus | undefined;
  readonly close: () => Promise<void>;
}

/** The cache of a worker, open; or nothing in its place while it is off. */
export const openCache = async ({ config, versionOf, encoder, log }: CacheOptions): Promise<OpenCache> => {
  if (!config.isOn) return { around: {}, status: () => undefined, close: () => Promise.resolve() };
  const { folder, limits } = config;
  const cache = new SoundCache({ folder, limits, clock: systemClock, log });
  await cache.open();
  return {
    around: {
      engine: (engine) =>
        withChunkCache(engine, cache, {
          get engineVersion() {
            return versionOf(engine.name);
          },
        }),
      narrate: (narrate, { name }) =>
        withNarrationCache(narrate, cache, {
          get engines() {
            return `${name} ${versionOf(name)}`;
          },
          encoder,
        }),
    },
    status: () => cache.status(),
    close: () => cache.close(),
  };
};
