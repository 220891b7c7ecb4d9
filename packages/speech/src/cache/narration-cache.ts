import type { Narrate, Narration, NarrationOptions } from '../chain/narrate.ts';
import { type NarrationIdentity, narrationKey } from './cache-key.ts';
import type { KeptSound } from './entry-format.ts';
import { narrationOf, soundOf } from './kept-narration.ts';
import { SingleFlight, type Tell } from './single-flight.ts';
import type { SoundCache } from './sound-cache.ts';

type Watcher = Omit<NarrationOptions, 'signal' | 'priority' | 'tenant'>;

const copyOf = (narration: Narration): Narration => ({ ...narration, bytes: narration.bytes.slice() });

/** Hands each word of one narration on to all who wait for it. */
const broadcast = (tell: Tell<Watcher>): Required<Watcher> => ({
  onProgress: (fraction) => tell((watcher) => watcher.onProgress?.(fraction)),
  onFirstAudio: () => tell((watcher) => watcher.onFirstAudio?.()),
  onEncoded: (bytes, offset) => tell((watcher) => watcher.onEncoded?.(bytes, offset)),
});

const tellWhole = (
  { bytes }: Narration,
  { onFirstAudio, onEncoded, onProgress }: Required<Watcher>,
): void => {
  onFirstAudio?.();
  onEncoded?.(bytes, 0);
  onProgress?.(1);
};

/**
 * Narration with a memory: an equal request is answered with the file that was made before, and equal requests at the
 * same time are narrated once, each hearing of all the progress. Only a narration that came as it was asked for is kept:
 * with a voice or an engine that stood in for another one, the next request may do better.
 */
export const withNarrationCache = (
  narrate: Narrate,
  cache: Pick<SoundCache, 'find' | 'keep'>,
  identity: NarrationIdentity,
): Narrate => {
  const flights = new SingleFlight<Narration, Watcher>(copyOf);
  return (request, { signal, priority, tenant, ...watcher } = {}) => {
    const key = narrationKey(request, identity);
    return flights.join(key.name, {
      signal,
      watcher,
      begin: async (signal, tell) => {
        const listeners = broadcast(tell);
        const kept = await cache.find(key, narrationOf);
        if (kept !== undefined) {
          tellWhole(kept, listeners);
          return kept;
        }
        const narration = await narrate(request, { ...listeners, signal, priority, tenant });
        if ((narration.failedBefore?.length ?? 0) > 0) return narration;
        const isFree = await cache.keep(key, soundOf(narration) satisfies KeptSound);
        return isFree ? narration : copyOf(narration);
      },
    });
  };
};
