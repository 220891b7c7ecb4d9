import { endianness } from 'node:os';
import { z } from 'zod';
import { type Pcm, trimSilence, verifySound } from '../audio/pcm.ts';
import { throwIfCancelled } from '../cancellation.ts';
import type { SpeechChunk, SpeechEngine } from '../engines/engine.ts';
import type { Narrate, Narration } from '../chain/narrate.ts';
import type { NarrationOptions } from '../chain/plan-narration.ts';
import { chunkKey, type ChunkIdentity, type NarrationIdentity, narrationKey } from './cache-key.ts';
import { SingleFlight } from './single-flight.ts';
import type { KeptSound, SoundCache } from './sound-cache.ts';

type Cache = Pick<SoundCache, 'find' | 'keep' | 'noteUse'>;

/**
 * The engine with a cache: a chunk that was spoken before, by any process, is not spoken again, and equal chunks at the
 * same time are spoken once. A chunk is on the disk before its caller gets it, so a story that is started again after a
 * crash continues where it stood.
 *
 * Sound that `verifySound` would refuse is returned and not kept; failures are not kept either.
 *
 * @example
 * // Not run: it writes into a folder.
 * const cached = withChunkCache(engine, cache, { engineVersion: '1' });
 * await cached.synthesizeChunk({ text: 'Once upon a time.', voiceId: 'slt' });
 */
export const withChunkCache = (
  engine: SpeechEngine,
  cache: Cache,
  identity: Pick<ChunkIdentity, 'engineVersion'>,
): SpeechEngine => {
  const flights = new SingleFlight<Pcm>(copyOfPcm);
  return {
    name: engine.name,
    // Getters: a service may announce more languages later, and a pool may grow.
    get languages() {
      return engine.languages;
    },
    get clonesVoices() {
      return engine.clonesVoices;
    },
    get concurrency() {
      return engine.concurrency;
    },
    fullPieceLetters: engine.fullPieceLetters,
    voices: () => engine.voices(),
    prepareText: (text) => engine.prepareText(text),
    synthesizeChunk: async (chunk, { signal, owner, ...options } = {}) => {
      // Read every time: a service may be given another model.
      const { engineVersion } = identity;
      const key = { ...chunkKey(chunk, { engine: engine.name, engineVersion }), owner };
      let hasJoined = true;
      const spoken = await flights.join(key.name, {
        signal,
        watcher: undefined,
        begin: async (signal) => {
          hasJoined = false;
          const kept = await cache.find(key, toPcm);
          if (kept !== undefined) return kept;
          throwIfCancelled(signal);
          const pcm = await engine.synthesizeChunk(chunk, { ...options, signal });
          if (!isPlausible(pcm, chunk)) return pcm;
          const isFree = await cache.keep(key, toSound(pcm));
          return isFree ? pcm : copyOfPcm(pcm);
        },
      });
      if (hasJoined) await cache.noteUse(key);
      return spoken;
    },
  };
};

/** Sound of a machine with the other byte order is of no use. */
const ENCODING = endianness() === 'BE' ? 's16be' : 's16le';

const copyOfPcm = ({ sampleRateHz, samples }: Pcm): Pcm => ({ sampleRateHz, samples: samples.slice() });

const toSound = ({ sampleRateHz, samples }: Pcm): KeptSound => ({
  facts: { encoding: ENCODING, sampleRateHz },
  bytes: new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength),
});

const toPcm = ({ facts, bytes }: KeptSound): Pcm | undefined => {
  const { encoding, sampleRateHz } = facts;
  if (encoding !== ENCODING || typeof sampleRateHz !== 'number' || bytes.length % 2 !== 0) return undefined;
  return { sampleRateHz, samples: new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2) };
};

/** Whether a narration would accept this sound for the chunk. It judges the sound without silence at its ends. */
const isPlausible = (pcm: Pcm, { text, speed = 1 }: SpeechChunk): boolean => {
  try {
    verifySound(trimSilence(pcm), { text, speed });
    return true;
  } catch {
    return false;
  }
};

const factsSchema = z.object({
  durationMs: z.number(),
  sampleRateHz: z.number(),
  chunkCount: z.number(),
  voiceId: z.string(),
  engine: z.string(),
}) satisfies z.ZodType<Omit<Narration, 'bytes' | 'failedBefore'>>;

/** What is kept of a narration beside its bytes is nothing of the text. */
const toKeptNarration = ({ bytes, ...facts }: Narration): KeptSound => ({
  facts: factsSchema.parse(facts),
  bytes,
});

const toNarration = ({ facts, bytes }: KeptSound): Narration | undefined => {
  const parsed = factsSchema.safeParse(facts);
  return parsed.success ? { ...parsed.data, bytes } : undefined;
};

const copyOfNarration = (narration: Narration): Narration => ({
  ...narration,
  bytes: narration.bytes.slice(),
});

type Watcher = Omit<NarrationOptions, 'signal' | 'priority' | 'tenant' | 'owner'>;

/**
 * Narration with a cache: an equal request is answered with the file that was made before, and equal requests at the
 * same time are narrated once, with all progress reported to each. Only a narration in the voice and engine that were
 * asked for is kept: after a fallback, the next request may do better.
 *
 * @example
 * // Not run: it writes into a folder.
 * const narrateOnce = withNarrationCache(narrate, cache, { engines: 'flite 1', encoder: 'mp3' });
 * await narrateOnce({ text: 'Once upon a time.', language: 'en' });
 */
export const withNarrationCache = (narrate: Narrate, cache: Cache, identity: NarrationIdentity): Narrate => {
  const flights = new SingleFlight<Narration, Watcher>(copyOfNarration);
  return async (request, { signal, priority, tenant, owner, ...watcher } = {}) => {
    const key = { ...narrationKey(request, identity), owner };
    let hasJoined = true;
    const made = await flights.join(key.name, {
      signal,
      watcher,
      begin: async (signal, notify) => {
        hasJoined = false;
        const watchers: Required<Watcher> = {
          onProgress: (fraction) => notify(({ onProgress }) => onProgress?.(fraction)),
          onFirstAudio: () => notify(({ onFirstAudio }) => onFirstAudio?.()),
          onEncoded: (bytes, offset) => notify(({ onEncoded }) => onEncoded?.(bytes, offset)),
        };
        const kept = await cache.find(key, toNarration);
        if (kept !== undefined) {
          watchers.onFirstAudio?.();
          watchers.onEncoded?.(kept.bytes, 0);
          watchers.onProgress?.(1);
          return kept;
        }
        const narration = await narrate(request, { ...watchers, signal, priority, tenant, owner });
        if ((narration.failedBefore?.length ?? 0) > 0) return narration;
        const isFree = await cache.keep(key, toKeptNarration(narration));
        return isFree ? narration : copyOfNarration(narration);
      },
    });
    if (hasJoined) await cache.noteUse(key);
    return made;
  };
};
