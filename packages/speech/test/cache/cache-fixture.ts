import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFakeClock, type FakeClock } from '@taleback/resilience/testing';
import { onTestFinished } from 'vitest';
import { type CacheKey, canonicalDigest } from '../../src/cache/cache-key.ts';
import { type CacheLimits, type KeptSound, SoundCache } from '../../src/cache/sound-cache.ts';
import { createFaultyDisk, type DiskStep } from './faulty-disk.ts';

export const ROOMY: CacheLimits = { maxBytes: 1_000_000, maxAgeMs: 30 * 24 * 3_600_000 };

export interface CacheFixture {
  readonly clock: FakeClock;
  readonly folder: string;
  readonly cache: SoundCache;
  readonly logged: { readonly message: string; readonly fields: Record<string, unknown> | undefined }[];
  /** Makes a step of the disk fail from now on, or hang, or work again. */
  readonly breaks: (step: DiskStep, how: Error | 'hangs' | undefined) => void;
  /** Paths of the sounds, and of drafts, in the folder. */
  readonly files: () => string[];
}

const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'taleback-cache-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'cache');
};

/** Paths of all files but those of the index. */
export const soundFilesIn = (folder: string): string[] =>
  (existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }) : [])
    .filter((entry) => entry.isFile() && !entry.name.startsWith('index.db'))
    .map(({ parentPath, name }) => join(parentPath, name));

export interface CacheSetup {
  readonly limits?: CacheLimits;
  /** Default: a new one. */
  readonly folder?: string;
  readonly clock?: FakeClock;
  /** What is broken when it is opened. */
  readonly broken?: readonly (readonly [DiskStep, Error | 'hangs'])[];
}

/** A cache on a real disk, under a clock that stands; it is open once `opened` settles. */
export const startCache = (setup: CacheSetup = {}): CacheFixture & { readonly opened: Promise<void> } => {
  const { limits = ROOMY, folder = newFolder(), clock = createFakeClock(1_000_000_000_000) } = setup;
  const logged: CacheFixture['logged'] = [];
  const broken = new Map<DiskStep, Error | 'hangs'>(setup.broken);
  const disk = createFaultyDisk((step) => {
    const how = broken.get(step);
    if (how === 'hangs') return new Promise(() => {});
    if (how !== undefined) throw how;
    return undefined;
  });
  const cache = new SoundCache({
    folder,
    limits,
    clock,
    disk,
    log: (_, message, fields) => void logged.push({ message, fields }),
  });
  return {
    clock,
    folder,
    cache,
    logged,
    breaks: (step, how) => {
      if (how === undefined) broken.delete(step);
      else broken.set(step, how);
    },
    files: () => soundFilesIn(folder),
    opened: cache.open(),
  };
};

export const openCache = async (setup: CacheSetup = {}): Promise<CacheFixture> => {
  const { opened, ...fixture } = startCache(setup);
  await opened;
  return fixture;
};

export const keyFor = (id: string | number): CacheKey => ({ kind: 'chunk', name: canonicalDigest([id]) });

export const soundOf = (length: number, fill = 1): KeptSound => ({
  facts: {},
  bytes: new Uint8Array(length).fill(fill),
});

export const bytesOf = ({ bytes }: KeptSound): Uint8Array => bytes;
