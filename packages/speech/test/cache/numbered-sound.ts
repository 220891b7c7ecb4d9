import { canonicalDigest } from '../../src/cache/canonical-digest.ts';
import type { CacheKey, KeptSound } from '../../src/cache/index.ts';

/** Bytes of each numbered sound; an entry is `ENTRY_BYTES` of them. */
const SOUND_BYTES = 20_000;
export const ENTRY_BYTES = SOUND_BYTES + 120 + '{"id":100}'.length;

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
