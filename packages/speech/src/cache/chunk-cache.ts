import { endianness } from 'node:os';
import { type Pcm, trimSilence, verifySound } from '../audio/index.ts';
import { type SpeechChunk, type SpeechEngine, throwIfCancelled } from '../engines/index.ts';
import { chunkKey } from './cache-key.ts';
import type { KeptSound } from './entry-format.ts';
import { SingleFlight } from './single-flight.ts';
import type { SoundCache } from './sound-cache.ts';

export interface ChunkCacheOptions {
  /** Of the engine and its model: another one may make another sound of the same words. */
  readonly engineVersion: string;
}

const ENCODING = 's16le';

/** Between the samples of this machine and those of an entry, in place; the same both ways. */
const swapIfBigEndian = (bytes: Buffer): void => {
  if (endianness() === 'BE') bytes.swap16();
};

const copyOf = ({ sampleRateHz, samples }: Pcm): Pcm => ({ sampleRateHz, samples: samples.slice() });

const toSound = ({ sampleRateHz, samples }: Pcm): KeptSound => {
  const own = endianness() === 'BE' ? samples.slice() : samples;
  const bytes = new Uint8Array(own.buffer, own.byteOffset, own.byteLength);
  swapIfBigEndian(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  return { facts: { encoding: ENCODING, sampleRateHz }, bytes };
};

const toPcm = ({ facts, bytes }: KeptSound): Pcm | undefined => {
  const { encoding, sampleRateHz } = facts;
  if (encoding !== ENCODING || typeof sampleRateHz !== 'number' || bytes.length % 2 !== 0) return undefined;
  // A copy: behind the head of an entry the samples stand at odd addresses.
  const own = bytes.slice();
  swapIfBigEndian(Buffer.from(own.buffer));
  return { sampleRateHz, samples: new Int16Array(own.buffer) };
};

/** Whether a narration would take this sound for the chunk; it is asked of what the narration looks at. */
const isPlausible = (pcm: Pcm, { text, speed = 1 }: SpeechChunk): boolean => {
  try {
    verifySound(trimSilence(pcm), { text, speed });
    return true;
  } catch {
    return false;
  }
};

/**
 * The engine, with a memory: a chunk that was spoken before, by whichever process, is not spoken again, and equal chunks
 * at the same time are spoken once. A chunk is on the disk before anybody gets it, so a story that is begun again after
 * a crash goes on where it stood.
 *
 * Sound that `verifySound` would refuse is handed on and not kept; nor is any failure.
 */
export const withChunkCache = (
  engine: SpeechEngine,
  cache: Pick<SoundCache, 'find' | 'keep'>,
  identity: ChunkCacheOptions,
): SpeechEngine => {
  const flights = new SingleFlight<Pcm>(copyOf);
  return {
    name: engine.name,
    // Asked anew each time: a service may tell of more, and a pool may grow.
    get languages() {
      return engine.languages;
    },
    get clonesVoices() {
      return engine.clonesVoices;
    },
    get concurrency() {
      return engine.concurrency;
    },
    voices: () => engine.voices(),
    prepareText: (text) => engine.prepareText(text),
    synthesizeChunk: (chunk, { signal, ...options } = {}) => {
      // Asked anew each time, too: a service may be given another model.
      const { engineVersion } = identity;
      const key = chunkKey(chunk, { engine: engine.name, engineVersion });
      return flights.join(key.name, {
        signal,
        watcher: undefined,
        begin: async (signal) => {
          const kept = await cache.find(key, toPcm);
          if (kept !== undefined) return kept;
          throwIfCancelled(signal);
          const pcm = await engine.synthesizeChunk(chunk, { ...options, signal });
          if (!isPlausible(pcm, chunk)) return pcm;
          const isFree = await cache.keep(key, toSound(pcm));
          return isFree ? pcm : copyOf(pcm);
        },
      });
    },
  };
};
