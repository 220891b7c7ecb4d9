import { mkdir, mkdtemp, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createFakeClock } from '@taleback/resilience/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CacheKey, canonicalDigest } from '../../src/cache/cache-key.ts';
import { type KeptSound, SoundCache } from '../../src/cache/sound-cache.ts';
import type { CacheDisk } from '../../src/cache/sound-store.node.ts';
import { soundFilesIn } from './cache-fixture.ts';
import { createFaultyDisk, type DiskStep } from './faulty-disk.ts';

const NOW_MS = Date.now();
const HOUR_MS = 3_600_000;
const LIMITS = { maxBytes: 2 ** 26, maxAgeMs: 30 * 24 * HOUR_MS };
const ENTRIES = process.env['TEST_SIZE'] === 'all' ? 10_000 : 2_000;
const KEY: CacheKey = { kind: 'chunk', name: canonicalDigest(['entry']) };
const SOUND: KeptSound = { facts: { voiceId: 'slt' }, bytes: Uint8Array.of(1, 2, 3, 4) };

let root: string;
let folder: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'taleback-cache-'));
  folder = join(root, 'above', 'cache');
});
afterEach(() => rm(root, { recursive: true, force: true }));

const open = async (nowMs = NOW_MS, disk?: CacheDisk, limits = LIMITS) => {
  const warned: unknown[] = [];
  const clock = createFakeClock(nowMs);
  const log = (_: string, message: string, fields?: unknown): void => void warned.push([message, fields]);
  const cache = new SoundCache({ folder, limits, clock, log, disk });
  await cache.open();
  return { cache, clock, warned };
};

const pathOfSound = (): string => soundFilesIn(folder)[0] ?? 'none';
const numbered = (id: number): CacheKey => ({ kind: 'chunk', name: canonicalDigest([id]) });
const whole = (sound: KeptSound): KeptSound => sound;
const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

describe('a cache in a folder', () => {
  it('gives a later process the same sound, its age and its last use', async () => {
    const { cache, clock } = await open();
    await cache.keep(KEY, SOUND);
    clock.advance(5_000);
    expect(await cache.find(KEY, whole)).toEqual(SOUND);
    await cache.close();
    const db = new DatabaseSync(join(folder, 'index.db'));
    const row = db.prepare('SELECT written_at, used_at FROM entries').get();
    expect({ ...row }).toEqual({ written_at: NOW_MS, used_at: NOW_MS + 5_000 });
    db.close();

    const later = await open(NOW_MS + 10_000);
    expect(later.cache.status()).toMatchObject({ entries: 1, sizeBytes: 4 });
    expect(await later.cache.find(KEY, whole)).toEqual(SOUND);
    await later.cache.close();
  });

  it.skipIf(process.platform === 'win32')('can be read by its owner only', async () => {
    const { cache } = await open();
    await cache.keep(KEY, SOUND);
    const path = pathOfSound();
    const index = ['index.db', 'index.db-wal', 'index.db-shm'].map((name) => join(folder, name));
    const modes = await Promise.all([folder, dirname(path), path, ...index].map((path) => stat(path)));
    expect(modes.map(({ mode }) => (mode & 0o777).toString(8))).toEqual([
      '700',
      '700',
      '600',
      '600',
      '600',
      '600',
    ]);
    expect((await stat(dirname(folder))).mode & 0o700).toBe(0o700);
    await cache.close();
  });

  it('never returns a sound with any byte altered, or cut anywhere, and removes it', async () => {
    const { cache } = await open();
    await cache.keep(KEY, SOUND);
    const path = pathOfSound();
    const file = await readFile(path);
    const spoil = async (bytes: Uint8Array, how: string): Promise<void> => {
      await writeFile(path, bytes);
      expect(await cache.find(KEY, whole), how).toBeUndefined();
      await cache.idle();
      expect(await isThere(path), how).toBe(false);
      await cache.keep(KEY, SOUND);
    };
    for (let at = 0; at < file.length; at += 1) {
      const altered = Buffer.from(file);
      altered[at]! ^= 0x55;
      await spoil(altered, `byte ${at} altered`);
      await spoil(file.subarray(0, at), `cut to ${at} bytes`);
    }
    await spoil(Buffer.concat([file, Buffer.of(0)]), 'one byte more');
    expect(await cache.find(KEY, whole)).toEqual(SOUND);
    expect(cache.status().broken).toBe(2 * file.length + 1);
    await cache.close();
  });

  it.each([
    ['facts', `'{"voiceId":"kal"}'`],
    ['key', `'${canonicalDigest(['other'])}'`],
    ['size', '5'],
  ])('never returns a sound whose %s is another in the index', async (column, value) => {
    const { cache } = await open();
    await cache.keep(KEY, SOUND);
    const db = new DatabaseSync(join(folder, 'index.db'));
    db.exec(`UPDATE entries SET ${column} = ${value}`);
    db.close();
    const key: CacheKey = column === 'key' ? { ...KEY, name: canonicalDigest(['other']) } : KEY;
    expect(await cache.find(key, whole)).toBeUndefined();
    expect(cache.status().broken).toBe(1);
    await cache.close();
    expect(soundFilesIn(folder)).toEqual([]);
  });

  it('reads nothing that is larger than it was, whatever lies there', async () => {
    const { cache } = await open();
    await cache.keep(KEY, SOUND);
    await truncate(pathOfSound(), LIMITS.maxBytes + 1);
    expect(await cache.find(KEY, whole)).toBeUndefined();
    await cache.close();
    expect(soundFilesIn(folder)).toEqual([]);
  });

  it('removes drafts and files without an entry after an hour, and leaves foreign files alone', async () => {
    const { cache } = await open();
    await cache.keep(KEY, SOUND);
    await cache.close();
    const path = pathOfSound();
    const shelf = dirname(path);
    const others = [join(folder, 'README'), join(shelf, 'notes.txt'), join(folder, 'photos', 'a.part')];
    // The last is what versions before the index left.
    const strays = [`${path}.draft-1.part`, join(shelf, `${shelf.slice(-2)}${'0'.repeat(62)}`)];
    await mkdir(join(folder, 'photos'));
    for (const file of [...others, ...strays]) await writeFile(file, 'x');
    await (await open(NOW_MS + HOUR_MS / 2)).cache.close();
    expect(await Promise.all(strays.map(isThere))).toEqual([true, true]);
    for (const file of [...others, ...strays])
      await utimes(file, NOW_MS / 1000 - 7_200, NOW_MS / 1000 - 7_200);
    const again = await open();
    await again.cache.close();
    expect(again.cache.status().entries).toBe(1);
    expect(await Promise.all([...others, ...strays].map(isThere))).toEqual([true, true, true, false, false]);
    expect(await isThere(path)).toBe(true);
    expect(again.warned).toEqual([]);
  });

  it.each([
    [
      'text',
      (path: string) => writeFile(path, 'not a database, but long enough to be taken for one'.repeat(20)),
    ],
    ['of another version', async (path: string) => new DatabaseSync(path).exec('PRAGMA user_version = 99')],
    [
      'torn',
      async (path: string) => {
        const bytes = await readFile(path);
        await writeFile(path, Buffer.concat([bytes.subarray(0, 100), Buffer.alloc(bytes.length - 100, 7)]));
      },
    ],
  ])('replaces an index that is %s', async (_, spoil) => {
    const { cache } = await open();
    await cache.keep(KEY, SOUND);
    await cache.close();
    await spoil(join(folder, 'index.db'));
    const again = await open();
    expect(await again.cache.find(KEY, whole)).toBeUndefined();
    await again.cache.keep(KEY, SOUND);
    expect(await again.cache.find(KEY, whole)).toEqual(SOUND);
    expect(again.cache.status()).toMatchObject({ entries: 1, sizeBytes: 4 });
    await again.cache.close();
  });

  it('bears a folder that is a file', async () => {
    await mkdir(dirname(folder), { recursive: true });
    await writeFile(folder, 'x');
    const { cache, warned } = await open();
    expect(await cache.find(KEY, whole)).toBeUndefined();
    expect(await cache.keep(KEY, SOUND)).toBe(true);
    expect(cache.status().unkept).toBe(1);
    expect(warned.length).toBeGreaterThan(0);
    await cache.close();
  });

  it.each<DiskStep>(['mkdir', 'writeFile', 'rename', 'prepare'])(
    'leaves nothing behind when a full disk fails %s',
    async (step) => {
      let isFull = false;
      const disk = createFaultyDisk((name) => {
        if (isFull && name === step) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
      });
      const { cache, warned } = await open(NOW_MS, disk);
      isFull = true;
      expect(await cache.keep(KEY, SOUND)).toBe(true);
      expect(warned).toEqual([
        ['a sound could not be kept in the cache', { error: 'no space left', leftOut: 0 }],
      ]);
      expect(soundFilesIn(folder)).toEqual([]);
      isFull = false;
      await cache.keep(KEY, SOUND);
      expect(await cache.find(KEY, whole)).toEqual(SOUND);
      await cache.close();
    },
  );

  it('knows all of its entries when it is opened, and keeps to its bounds then', async () => {
    const first = await open();
    for (let id = 0; id < ENTRIES; id += 50) {
      const batch = Array.from({ length: 50 }, (_, at) => first.cache.keep(numbered(id + at), SOUND));
      await Promise.all(batch);
    }
    await first.cache.close();
    const { cache, warned } = await open();
    const { entries, sizeBytes } = cache.status();
    expect({ entries, sizeBytes }).toEqual({ entries: ENTRIES, sizeBytes: 4 * ENTRIES });
    await cache.close();

    const smaller = await open(NOW_MS, undefined, { ...LIMITS, maxBytes: sizeBytes / 4 });
    await smaller.cache.close();
    expect(smaller.cache.status()).toMatchObject({
      entries: ENTRIES / 4,
      evictions: ENTRIES * 0.75,
    });
    expect([...warned, ...smaller.warned]).toEqual([]);
  });
});
