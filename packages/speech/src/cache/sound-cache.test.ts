import { describe, expect, it } from 'vitest';
import { bytesOf, HEAD_BYTES, keyFor, openCache, ROOMY, soundOf } from './cache-fixture.ts';

const [A, B, C] = [keyFor('a'), keyFor('b'), keyFor('c')];
const MINUTE_MS = 60_000;

describe('a sound cache', () => {
  it('gives back what it keeps, and counts', async () => {
    const { cache, folder } = await openCache();
    expect(await cache.find(A, bytesOf)).toBeUndefined();
    expect(await cache.keep(A, soundOf(3))).toBe(true);
    expect(await cache.find(A, bytesOf)).toEqual(Uint8Array.of(1, 1, 1));
    expect(await cache.find({ ...B, kind: 'narration' }, bytesOf)).toBeUndefined();
    expect(cache.status()).toEqual({
      entries: 1,
      sizeBytes: HEAD_BYTES + 3,
      maxBytes: 1_000_000,
      hits: { chunk: 1, narration: 0 },
      misses: { chunk: 1, narration: 1 },
      evictions: 0,
      expired: 0,
      broken: 0,
      unkept: 0,
    });
    expect([...folder.files.keys()]).toEqual([A.name]);
  });

  it('makes room: what was used least recently goes first', async () => {
    const { cache, folder, clock } = await openCache({ ...ROOMY, maxBytes: 2 * (HEAD_BYTES + 10) });
    await cache.keep(A, soundOf(10));
    await cache.keep(B, soundOf(10));
    await cache.find(A, bytesOf);
    await cache.keep(C, soundOf(10));
    await clock.settle();
    expect(new Set(folder.files.keys())).toEqual(new Set([A.name, C.name]));
    expect(cache.status()).toMatchObject({ entries: 2, evictions: 1, sizeBytes: 2 * (HEAD_BYTES + 10) });
  });

  it('still finds what is on its way out, which pushes out nothing else', async () => {
    const { cache, folder, clock } = await openCache({ ...ROOMY, maxBytes: 2 * (HEAD_BYTES + 10) });
    await cache.keep(A, soundOf(10));
    await cache.keep(B, soundOf(10));
    await clock.settle();
    folder.breaks('remove', 'hangs');
    await cache.keep(C, soundOf(10));
    await clock.settle();
    expect(cache.status()).toMatchObject({ entries: 2, evictions: 1 });
    expect(await cache.find(A, bytesOf)).toBeDefined();
    expect(cache.status()).toMatchObject({ entries: 2, evictions: 1 });
    expect(await cache.find(B, bytesOf)).toBeDefined();
  });

  it('holds no more entries than it may, also when it is opened on more', async () => {
    const first = await openCache();
    for (let id = 0; id < 40; id += 1) {
      await first.cache.keep(keyFor(id), soundOf(1));
      await first.clock.advanceAsync(1);
    }
    const { folder, clock } = first;
    const { cache } = await openCache({ ...ROOMY, maxEntries: 10 }, folder, clock);
    await clock.settle();
    expect(cache.status()).toMatchObject({ entries: 10, evictions: 30 });
    expect([...folder.files.keys()]).toEqual(Array.from({ length: 10 }, (_, id) => keyFor(30 + id).name));
  });

  it('keeps nothing that is larger than all of it', async () => {
    const { cache, folder } = await openCache({ ...ROOMY, maxBytes: HEAD_BYTES + 10 });
    expect(await cache.keep(A, soundOf(11))).toBe(true);
    expect(await cache.keep(A, soundOf(HEAD_BYTES + 11))).toBe(true);
    expect(folder.files.size).toBe(0);
    expect(cache.status().unkept).toBe(2);
  });

  it('lets nothing get older than it may, used or not', async () => {
    const { cache, folder, clock } = await openCache({ ...ROOMY, maxAgeMs: 25 * MINUTE_MS });
    await cache.keep(A, soundOf(1));
    await cache.keep(B, soundOf(1));
    await clock.advanceAsync(25 * MINUTE_MS);
    expect(await cache.find(A, bytesOf)).toBeDefined();
    await clock.advanceAsync(1);
    expect(await cache.find(A, bytesOf)).toBeUndefined();
    expect(folder.files.has(B.name)).toBe(true);
    await clock.advanceAsync(10 * MINUTE_MS);
    expect(folder.files.size).toBe(0);
    expect(cache.status()).toMatchObject({ entries: 0, sizeBytes: 0, expired: 2 });
  });

  it('does not trust an entry from the day after tomorrow', async () => {
    const { cache, folder, clock } = await openCache();
    await clock.advanceAsync(48 * 60 * MINUTE_MS);
    await cache.keep(A, soundOf(1));
    await cache.close();
    const earlier = await openCache(ROOMY, folder);
    expect(await earlier.cache.find(A, bytesOf)).toBeUndefined();
    expect(folder.files.size).toBe(0);
  });

  it('never gives out what is altered, and removes it', async () => {
    const { cache, folder, clock, logged } = await openCache();
    await cache.keep(A, soundOf(3));
    const file = folder.files.get(A.name)!;
    file.bytes[file.bytes.length - 1]! ^= 1;
    expect(await cache.find(A, bytesOf)).toBeUndefined();
    await clock.settle();
    expect(folder.files.size).toBe(0);
    expect(cache.status()).toMatchObject({ entries: 0, broken: 1, misses: { chunk: 1 } });
    expect(logged).toMatchObject([{ fields: { fault: 'sound altered', name: A.name } }]);
  });

  it('removes what its reader has no use for', async () => {
    const { cache, folder, clock } = await openCache();
    await cache.keep(A, soundOf(3));
    expect(await cache.find(A, () => undefined)).toBeUndefined();
    await clock.settle();
    expect(folder.files.size).toBe(0);
    expect(cache.status()).toMatchObject({ broken: 1, hits: { chunk: 0 }, misses: { chunk: 1 } });
  });

  it('finds what another process kept, and bears what another one removed', async () => {
    const { cache, folder, clock } = await openCache();
    const other = await openCache(ROOMY, folder, clock);
    await other.cache.keep(A, soundOf(1));
    expect(await cache.find(A, bytesOf)).toBeDefined();
    folder.files.delete(A.name);
    expect(await cache.find(A, bytesOf)).toBeUndefined();
    expect(cache.status()).toMatchObject({ entries: 0, sizeBytes: 0, broken: 0 });
  });

  it('learns from time to time what others kept, removed and used', async () => {
    const { cache, folder, clock } = await openCache();
    const other = await openCache(ROOMY, folder, clock);
    await cache.keep(A, soundOf(1));
    await other.cache.keep(B, soundOf(1));
    await clock.advanceAsync(1);
    folder.files.delete(A.name);
    await other.cache.keep(C, soundOf(1));
    await clock.advanceAsync(10 * MINUTE_MS);
    expect(cache.status()).toMatchObject({ entries: 2, sizeBytes: 2 * (HEAD_BYTES + 1) });
  });

  it('keeps nothing on a full disk, fails nobody, and says so once a minute', async () => {
    const { cache, folder, clock, logged } = await openCache();
    folder.breaks('write', new Error('ENOSPC: no space left on device'));
    for (let tries = 0; tries < 5; tries += 1) expect(await cache.keep(A, soundOf(1))).toBe(true);
    expect(logged).toEqual([
      {
        message: 'a sound could not be kept in the cache',
        fields: { error: 'ENOSPC: no space left on device', leftOut: 0 },
      },
    ]);
    await clock.advanceAsync(MINUTE_MS);
    await cache.keep(A, soundOf(1));
    expect(logged[1]?.fields).toMatchObject({ leftOut: 4 });
    expect(cache.status()).toMatchObject({ unkept: 6, entries: 0 });
    folder.breaks('write', undefined);
    await cache.keep(A, soundOf(1));
    expect(await cache.find(A, bytesOf)).toBeDefined();
  });

  it.each(['prepare', 'scan', 'read', 'touch', 'remove'] as const)(
    'bears that %s fails',
    async (operation) => {
      const { cache, folder, clock, logged } = await openCache({ ...ROOMY, maxBytes: 2 * HEAD_BYTES });
      folder.breaks(operation, new Error('EIO'));
      const again = await openCache({ ...ROOMY, maxBytes: 2 * HEAD_BYTES }, folder, clock);
      for (const { cache: either } of [{ cache }, again]) {
        for (const key of [A, B, C]) await either.keep(key, soundOf(1));
        await either.find(C, bytesOf);
      }
      await clock.settle();
      expect([...logged, ...again.logged].map(({ fields }) => fields?.['error'])).toContain('EIO');
      folder.breaks(operation, undefined);
      await cache.keep(C, soundOf(1));
      expect(await cache.find(C, bytesOf)).toEqual(Uint8Array.of(1));
    },
  );

  it('waits two seconds for a disk that hangs, and lets go of the bytes only when it may', async () => {
    const { cache, folder, clock } = await openCache();
    folder.breaks('read', 'hangs');
    folder.breaks('write', 'hangs');
    const finding = cache.find(A, bytesOf);
    const keeping = cache.keep(A, soundOf(1));
    await clock.advanceAsync(2_000);
    expect(await finding).toBeUndefined();
    expect(await keeping).toBe(false);
    const closing = cache.close();
    await clock.advanceAsync(2_000);
    await closing;
    expect(clock.pendingTimers).toBe(0);
  });

  it('holds a bounded amount of sound for a disk that hangs', async () => {
    const { cache, folder } = await openCache({ ...ROOMY, maxBytes: 2 ** 30 });
    folder.breaks('write', 'hangs');
    const large = soundOf(2 ** 25);
    void cache.keep(A, large);
    void cache.keep(B, large);
    expect(await cache.keep(C, large)).toBe(true);
    expect(cache.status().unkept).toBe(1);
  });

  it('opens on a folder that hangs', async () => {
    const { folder, clock } = await openCache();
    folder.breaks('scan', 'hangs');
    const opening = openCache(ROOMY, folder, clock);
    await clock.advanceAsync(2_000);
    const { cache } = await opening;
    await cache.keep(A, soundOf(1));
    expect(await cache.find(A, bytesOf)).toBeDefined();
  });

  it('leaves no timer behind, and keeps nothing, once it is closed', async () => {
    const { cache, folder, clock } = await openCache();
    await cache.close();
    expect(clock.pendingTimers).toBe(0);
    await cache.keep(A, soundOf(1));
    expect(folder.files.size).toBe(0);
  });
});
