import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createFakeClock } from '@taleback/resilience/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFolderCache } from '../../src/cache/folder-cache.node.ts';
import { canonicalDigest } from '../../src/cache/canonical-digest.ts';
import { type CacheKey, type KeptSound, SoundCache } from '../../src/cache/index.ts';
import { createSteppingFs } from './stepping-fs.ts';

const NOW_MS = 1_700_000_000_123;
const LIMITS = { maxBytes: 2 ** 26, maxAgeMs: 30 * 24 * 3_600_000 };
const KEY: CacheKey = { kind: 'chunk', name: canonicalDigest(['entry']) };
const SOUND: KeptSound = { facts: { voiceId: 'slt' }, bytes: Uint8Array.of(1, 2, 3, 4) };

let root: string;
let folder: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'taleback-cache-'));
  folder = join(root, 'above', 'cache');
});
afterEach(() => rm(root, { recursive: true, force: true }));

const pathOf = ({ name }: CacheKey): string => join(folder, name.slice(0, 2), name);

const open = async (nowMs = NOW_MS, io?: Parameters<typeof createFolderCache>[1]) => {
  const warned: unknown[] = [];
  const clock = createFakeClock(nowMs);
  const cache = new SoundCache({
    folder: createFolderCache(folder, io),
    limits: LIMITS,
    clock,
    log: (_, message, fields) => void warned.push([message, fields]),
  });
  await cache.open();
  return { cache, clock, warned };
};

const numbered = (id: number): CacheKey => ({ kind: 'chunk', name: canonicalDigest([id]) });

const whole = (sound: KeptSound): KeptSound => sound;
const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

describe('a cache in a folder', { timeout: 240_000 }, () => {
  it('gives a later process the same sound, its age and its last use', async () => {
    const { cache, clock } = await open();
    await cache.keep(KEY, SOUND);
    clock.advance(5_000);
    expect(await cache.find(KEY, whole)).toMatchObject(SOUND);
    await cache.close();
    const { mtimeMs, atimeMs } = await stat(pathOf(KEY));
    expect([mtimeMs, atimeMs].map(Math.round)).toEqual([NOW_MS, NOW_MS + 5_000]);

    const later = await open(NOW_MS + 10_000);
    expect(later.cache.status()).toMatchObject({ entries: 1, sizeBytes: (await stat(pathOf(KEY))).size });
    expect(await later.cache.find(KEY, whole)).toMatchObject({ ...SOUND, writtenAtMs: NOW_MS });
    await later.cache.close();
  });

  it.skipIf(process.platform === 'win32')('lets nobody but its owner read it', async () => {
    const { cache } = await open();
    await cache.keep(KEY, SOUND);
    await cache.close();
    const modes = await Promise.all([folder, dirname(pathOf(KEY)), pathOf(KEY)].map((path) => stat(path)));
    expect(modes.map(({ mode }) => (mode & 0o777).toString(8))).toEqual(['700', '700', '600']);
    expect((await stat(dirname(folder))).mode & 0o700).toBe(0o700);
  });

  it('never gives out an entry with any byte altered, or cut anywhere, and removes it', async () => {
    const { cache } = await open();
    await cache.keep(KEY, SOUND);
    const file = await readFile(pathOf(KEY));
    expect(file.length).toBeLessThan(200);
    for (let at = 0; at < file.length; at += 1) {
      const altered = Buffer.from(file);
      altered[at]! ^= 0x55;
      await writeFile(pathOf(KEY), altered);
      expect(await cache.find(KEY, whole), `byte ${at} altered`).toBeUndefined();
      await cache.close();
      expect(await isThere(pathOf(KEY)), `byte ${at} altered`).toBe(false);

      await writeFile(pathOf(KEY), file.subarray(0, at));
      expect(await cache.find(KEY, whole), `cut to ${at} bytes`).toBeUndefined();
      await cache.close();
      expect(await isThere(pathOf(KEY)), `cut to ${at} bytes`).toBe(false);
    }
    await writeFile(pathOf(KEY), file);
    expect(await cache.find(KEY, whole)).toMatchObject(SOUND);
    expect(cache.status().broken).toBe(2 * file.length);
  });

  it('reads nothing that is larger than the cache, whatever lies there', async () => {
    const { cache } = await open();
    await cache.keep(KEY, SOUND);
    await truncate(pathOf(KEY), LIMITS.maxBytes + 1);
    expect(await cache.find(KEY, whole)).toBeUndefined();
    await cache.close();
    expect(await isThere(pathOf(KEY))).toBe(false);
  });

  it('leaves alone what is not its own, and removes drafts that nobody writes any more', async () => {
    const { cache } = await open();
    await cache.keep(KEY, SOUND);
    const shelf = dirname(pathOf(KEY));
    const draftOf = (kind: string): string => `${pathOf(KEY)}.${kind}.part`;
    const others = [join(folder, 'README'), join(shelf, 'notes.txt'), join(folder, 'photos', 'a.part')];
    await mkdir(join(folder, 'photos'));
    for (const path of [...others, draftOf('old'), draftOf('new')]) await writeFile(path, 'x');
    await utimes(draftOf('old'), NOW_MS / 1000 - 3_601, NOW_MS / 1000 - 3_601);
    await utimes(draftOf('new'), NOW_MS / 1000, NOW_MS / 1000);
    await cache.close();
    const again = await open();
    await again.cache.close();
    expect(again.cache.status().entries).toBe(1);
    expect(await Promise.all(others.map(isThere))).toEqual([true, true, true]);
    expect(await Promise.all([draftOf('old'), draftOf('new')].map(isThere))).toEqual([false, true]);
    expect(again.warned).toEqual([]);
  });

  it("bears that something else stands in an entry's place", async () => {
    await mkdir(pathOf(KEY), { recursive: true });
    const { cache, warned } = await open();
    expect(await cache.find(KEY, whole)).toBeUndefined();
    expect(await cache.keep(KEY, SOUND)).toBe(true);
    expect(cache.status()).toMatchObject({ entries: 0, unkept: 1 });
    expect(warned.length).toBe(2);
    expect(await readdir(dirname(pathOf(KEY)))).toEqual([KEY.name]);
  });

  it('makes its folder again when somebody removed all of it', async () => {
    const { cache, warned } = await open();
    await cache.keep(KEY, SOUND);
    await rm(join(root, 'above'), { recursive: true });
    expect(await cache.find(KEY, whole)).toBeUndefined();
    await cache.keep(KEY, SOUND);
    expect(await cache.find(KEY, whole)).toMatchObject(SOUND);
    expect(warned).toEqual([]);
  });

  it('bears a folder that is a file', async () => {
    await mkdir(dirname(folder), { recursive: true });
    await writeFile(folder, 'x');
    const { cache, warned } = await open();
    expect(await cache.find(KEY, whole)).toBeUndefined();
    expect(await cache.keep(KEY, SOUND)).toBe(true);
    expect(cache.status().unkept).toBe(1);
    expect(warned.length).toBeGreaterThan(0);
  });

  it.each(['open', 'writeFile', 'utimes', 'close', 'rename'])(
    'leaves nothing behind when a full disk fails %s',
    async (step) => {
      let isFull = true;
      const full = createSteppingFs((name) => {
        if (isFull && name === step) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
      });
      const { cache, warned } = await open(NOW_MS, full);
      expect(await cache.keep(KEY, SOUND)).toBe(true);
      expect(warned).toEqual([
        ['a sound could not be kept in the cache', { error: 'no space left', leftOut: 0 }],
      ]);
      const left = await readdir(folder, { recursive: true, withFileTypes: true });
      expect(left.filter((entry) => entry.isFile())).toEqual([]);
      isFull = false;
      await cache.keep(KEY, SOUND);
      expect(await cache.find(KEY, whole)).toMatchObject(SOUND);
    },
  );

  it('knows all of 10,000 entries when it is opened, and keeps to its bounds then', async () => {
    const first = await open();
    for (let id = 0; id < 10_000; id += 50) {
      const batch = Array.from({ length: 50 }, (_, at) => first.cache.keep(numbered(id + at), SOUND));
      await Promise.all(batch);
    }
    await first.cache.close();
    const { cache, warned } = await open();
    const { entries, sizeBytes } = cache.status();
    expect(entries).toBe(10_000);
    await cache.close();

    const smaller = new SoundCache({
      folder: createFolderCache(folder),
      limits: { ...LIMITS, maxBytes: sizeBytes / 4 },
      clock: createFakeClock(NOW_MS),
      log: (_, message) => void warned.push(message),
    });
    await smaller.open();
    await smaller.close();
    expect(smaller.status()).toMatchObject({ entries: 2_500, evictions: 7_500 });
    expect(warned).toEqual([]);
  });
});
