import { createFakeClock, type FakeClock } from '@taleback/resilience/testing';
import type { CacheKey } from './cache-key.ts';
import { canonicalDigest } from './canonical-digest.ts';
import type { KeptSound } from './entry-format.ts';
import { createFakeCacheFolder, type FakeCacheFolder } from './fake-cache-folder.ts';
import type { CacheLimits } from './housekeeping.ts';
import { SoundCache } from './sound-cache.ts';

export const ROOMY: CacheLimits = { maxBytes: 1_000_000, maxAgeMs: 30 * 24 * 3_600_000 };
/** What an entry without facts takes beside its sound. */
export const HEAD_BYTES = 122;

export interface CacheFixture {
  readonly clock: FakeClock;
  readonly folder: FakeCacheFolder;
  readonly cache: SoundCache;
  readonly logged: { readonly message: string; readonly fields: Record<string, unknown> | undefined }[];
}

/** An open cache in memory, under a clock that stands. */
export const openCache = async (
  limits: CacheLimits = ROOMY,
  folder = createFakeCacheFolder(),
  clock = createFakeClock(1_000_000_000_000),
): Promise<CacheFixture> => {
  const logged: CacheFixture['logged'] = [];
  const cache = new SoundCache({
    folder,
    limits,
    clock,
    log: (_, message, fields) => void logged.push({ message, fields }),
  });
  await cache.open();
  return { clock, folder, cache, logged };
};

export const keyFor = (id: string | number): CacheKey => ({ kind: 'chunk', name: canonicalDigest([id]) });

export const soundOf = (length: number, fill = 1): KeptSound => ({
  facts: {},
  bytes: new Uint8Array(length).fill(fill),
});

export const bytesOf = ({ bytes }: KeptSound): Uint8Array => bytes;
