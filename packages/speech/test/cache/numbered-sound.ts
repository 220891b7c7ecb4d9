import { type CacheKey, canonicalDigest } from '../../src/cache/cache-key.ts';
import type { KeptSound } from '../../src/cache/sound-cache.ts';

/** Of each numbered sound. */
export const SOUND_BYTES = 20_000;

export const keyOf = (id: number): CacheKey => ({ kind: 'chunk', name: canonicalDigest(['test', id]) });

export const numberedSound = (id: number): KeptSound => ({
  facts: { id },
  bytes: Uint8Array.from({ length: SOUND_BYTES }, (_, at) => (at * id) % 251),
});

/** Whether a sound that was found is the one of this number, to the last byte. */
export const isNumber =
  (id: number) =>
  ({ facts, bytes }: KeptSound): boolean =>
    facts['id'] === id && Buffer.from(bytes).equals(Buffer.from(numberedSound(id).bytes));
