import { rmSync, unlinkSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf, keyFor, openCache, ROOMY, soundOf, startCache } from '../../test/cache/cache-fixture.ts';

const [A, B, C] = [keyFor('a'), keyFor('b'), keyFor('c')];
const MINUTE_MS = 60_000;

describe('a sound cache', () => {
  it('returns what it keeps, and counts', async () => {
    const { cache, files } = await openCache();
    expect(await cache.find(A, bytesOf)).toBeUndefined();
    expect(await cache.keep(A, soundOf(3))).toBe(true);
    expect(await cache.find(A, bytesOf)).toEqual(Uint8Array.of(1, 1, 1));
    expect(await cache.find({ ...B, kind: 'narration' }, bytesOf)).toBeUndefined();
    expect(cache.status()).toEqual({
      entries: 1,
      sizeBytes: 3,
      maxBytes: 1_000_000,
      hits: { chunk: 1, narration: 0 },
      misses: { chunk: 1, narration: 1 },
      evictions: 0,
      expired: 0,
      broken: 0,
      unkept: 0,
    });
    expect(files()).toHaveLength(1);
  });

  it('makes room: what was used least recently is removed first', async () => {
    const { cache, files, clock } = await openCache({ limits: { ...ROOMY, maxBytes: 20 } });
    for (const key of [A, B]) {
      await cache.keep(key, soundOf(10));
      clock.advance(1);
    }
    await cache.find(A, bytesOf);
    clock.advance(1);
    await cache.keep(C, soundOf(10));
    await cache.idle();
    expect(files()).toHaveLength(2);
    expect(cache.status()).toMatchObject({ entries: 2, evictions: 1, sizeBytes: 20 });
    expect(await cache.find(B, bytesOf)).toBeUndefined();
    expect(await cache.find(A, bytesOf)).toBeDefined();
  });

  it('counts nothing twice while what it evicted is still on the disk', async () => {
    const { cache, breaks, clock } = await openCache({ limits: { ...ROOMY, maxBytes: 20 } });
    breaks('unlink', 'hangs');
    for (const key of [A, B, C]) {
      await cache.keep(key, soundOf(10));
      clock.advance(1);
    }
    expect(cache.status()).toMatchObject({ entries: 2, evictions: 1 });
    expect(await cache.find(A, bytesOf)).toBeUndefined();
    expect(await cache.find(B, bytesOf)).toBeDefined();
    expect(cache.status()).toMatchObject({ entries: 2, evictions: 1 });
  });

  it('holds no more entries than it may, also when it is opened on more', async () => {
    const { cache, clock, folder } = await openCache();
    for (let id = 0; id < 40; id += 1) {
      await cache.keep(keyFor(id), soundOf(1));
      clock.advance(1);
    }
    const smaller = await openCache({ limits: { ...ROOMY, maxEntries: 10 }, folder, clock });
    expect(smaller.cache.status()).toMatchObject({ entries: 10, evictions: 30 });
    for (let id = 0; id < 40; id += 1) {
      expect((await smaller.cache.find(keyFor(id), bytesOf)) !== undefined).toBe(id >= 30);
    }
    expect(smaller.files()).toHaveLength(10);
  });

  it('keeps nothing that is larger than all of it', async () => {
    const { cache, files } = await openCache({ limits: { ...ROOMY, maxBytes: 10 } });
    expect(await cache.keep(A, soundOf(11))).toBe(true);
    expect(files()).toEqual([]);
    expect(cache.status().unkept).toBe(1);
  });

  it('lets nothing get older than it may, used or not', async () => {
    const { cache, files, clock } = await openCache({ limits: { ...ROOMY, maxAgeMs: 25 * MINUTE_MS } });
    await cache.keep(A, soundOf(1));
    await cache.keep(B, soundOf(1));
    await clock.advanceAsync(25 * MINUTE_MS);
    expect(await cache.find(A, bytesOf)).toBeDefined();
    await cache.idle();
    await clock.advanceAsync(1);
    expect(await cache.find(A, bytesOf)).toBeUndefined();
    await cache.idle();
    expect(files()).toHaveLength(1);
    await clock.advanceAsync(10 * MINUTE_MS);
    await cache.idle();
    expect(files()).toEqual([]);
    expect(cache.status()).toMatchObject({ entries: 0, sizeBytes: 0, expired: 2 });
  });

  it('does not trust an entry from the day after tomorrow', async () => {
    const { cache, folder, clock } = await openCache();
    clock.advance(48 * 60 * MINUTE_MS);
    await cache.keep(A, soundOf(1));
    await cache.close();
    const earlier = await openCache({ folder });
    expect(await earlier.cache.find(A, bytesOf)).toBeUndefined();
    expect(earlier.files()).toEqual([]);
  });

  it('removes what its reader has no use for', async () => {
    const { cache, files, logged } = await openCache();
    await cache.keep(A, soundOf(3));
    expect(await cache.find(A, () => undefined)).toBeUndefined();
    await cache.idle();
    expect(files()).toEqual([]);
    expect(cache.status()).toMatchObject({ broken: 1, hits: { chunk: 0 }, misses: { chunk: 1 } });
    expect(logged).toMatchObject([{ fields: { fault: 'facts of no use', name: A.name } }]);
  });

  it('shares its folder: finds what another process kept, misses what it removed, counts both', async () => {
    const { cache, folder, clock, files } = await openCache();
    const other = await openCache({ folder, clock });
    await other.cache.keep(A, soundOf(1));
    expect(await cache.find(A, bytesOf)).toBeDefined();
    expect(cache.status()).toMatchObject({ entries: 1, sizeBytes: 1 });
    await other.cache.find(A, () => undefined);
    await other.cache.idle();
    expect(files()).toEqual([]);
    expect(await cache.find(A, bytesOf)).toBeUndefined();
    expect(cache.status()).toMatchObject({ entries: 0, sizeBytes: 0, broken: 0 });
  });

  it('notices files that people removed, when they are asked for and from time to time', async () => {
    const { cache, clock, files } = await openCache();
    await cache.keep(A, soundOf(1));
    for (const file of files()) unlinkSync(file);
    await cache.keep(B, soundOf(1));
    expect(cache.status().entries).toBe(2);
    await clock.advanceAsync(10 * MINUTE_MS);
    await cache.idle();
    expect(cache.status()).toMatchObject({ entries: 1, broken: 0 });
    for (const file of files()) unlinkSync(file);
    expect(await cache.find(B, bytesOf)).toBeUndefined();
    expect(cache.status()).toMatchObject({ entries: 0, broken: 0 });
  });

  it('keeps nothing on a full disk, fails no request, and warns once a minute', async () => {
    const { cache, breaks, clock, logged, files } = await openCache();
    breaks('writeFile', new Error('ENOSPC: no space left on device'));
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
    expect(files()).toEqual([]);
    breaks('writeFile', undefined);
    await cache.keep(A, soundOf(1));
    expect(await cache.find(A, bytesOf)).toBeDefined();
  });

  it.each(['mkdir', 'readdir', 'readFile', 'stat', 'unlink', 'openDatabase', 'prepare', 'exec'] as const)(
    'bears that %s fails',
    async (step) => {
      const error = Object.assign(new Error('EIO'), { code: 'EIO' });
      const limits = { ...ROOMY, maxBytes: 2 };
      const { cache, clock, folder, ...fixture } = await openCache({ limits, broken: [[step, error]] });
      const again = await openCache({ limits, folder, clock, broken: [[step, error]] });
      for (const either of [cache, again.cache]) {
        for (const key of [A, B, C]) {
          clock.advance(1);
          await either.keep(key, soundOf(1));
        }
        await either.find(C, bytesOf);
        await either.idle();
        either.status();
      }
      expect([...fixture.logged, ...again.logged].map(({ fields }) => fields?.['error'])).toContain('EIO');
      fixture.breaks(step, undefined);
      clock.advance(1);
      await cache.keep(C, soundOf(1));
      expect(await cache.find(C, bytesOf)).toEqual(Uint8Array.of(1));
    },
  );

  it('waits two seconds for a disk that hangs, and lets go of the bytes only when it may', async () => {
    const { cache, breaks, clock } = await openCache();
    await cache.keep(A, soundOf(1));
    await cache.idle();
    breaks('readFile', 'hangs');
    breaks('writeFile', 'hangs');
    const finding = cache.find(A, bytesOf);
    const keeping = cache.keep(B, soundOf(1));
    await clock.advanceAsync(2_000);
    expect(await finding).toBeUndefined();
    expect(await keeping).toBe(false);
    const closing = cache.close();
    await clock.advanceAsync(2_000);
    await closing;
    expect(clock.pendingTimers).toBe(0);
  });

  it('holds a bounded amount of sound for a disk that hangs', async () => {
    const { cache, breaks } = await openCache({ limits: { ...ROOMY, maxBytes: 2 ** 30 } });
    breaks('writeFile', 'hangs');
    const large = soundOf(2 ** 25);
    void cache.keep(A, large);
    void cache.keep(B, large);
    expect(await cache.keep(C, large)).toBe(true);
    expect(cache.status().unkept).toBe(1);
  });

  it('opens on a folder that hangs', async () => {
    const { cache, clock, opened } = startCache({ broken: [['readdir', 'hangs']] });
    await clock.advanceAsync(2_000);
    await opened;
    await cache.keep(A, soundOf(1));
    expect(await cache.find(A, bytesOf)).toBeDefined();
  });

  it('makes its folder again when people removed all of it', async () => {
    const { cache, folder, logged, breaks } = await openCache();
    await cache.keep(A, soundOf(1));
    rmSync(folder, { recursive: true });
    // It would remove the sound that is kept next.
    breaks('unlink', new Error('nothing is to be removed'));
    expect(await cache.find(A, bytesOf)).toBeUndefined();
    await cache.keep(A, soundOf(1));
    expect(await cache.find(A, bytesOf)).toBeDefined();
    await cache.idle();
    expect(logged).toEqual([]);
  });

  it('leaves no timer behind, and finds and keeps nothing, once it is closed', async () => {
    const { cache, files, clock } = await openCache();
    await cache.keep(A, soundOf(1));
    await cache.close();
    expect(clock.pendingTimers).toBe(0);
    await cache.keep(B, soundOf(1));
    expect(await cache.find(A, bytesOf)).toBeUndefined();
    expect(files()).toHaveLength(1);
    expect(cache.status().entries).toBe(1);
  });
});

describe('the sounds of an owner', () => {
  it('are removed when no one else has used them, whatever was kept, found and replaced before', async () => {
    const owner = fc.constantFrom(undefined, 's1', 's2', 's3');
    const step = fc.record({ does: fc.constantFrom('keep', 'find', 'note', 'remove'), id: fc.nat(3), owner });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const { cache, files, clock } = await openCache();
        const owners = new Map<number, Set<string | undefined>>();
        let isSame = true;
        for (const { does, id, owner: who } of steps) {
          clock.advance(1);
          const key = { ...keyFor(id), owner: who };
          if (does === 'keep') {
            await cache.keep(key, soundOf(3, id));
            owners.set(id, (owners.get(id) ?? new Set()).add(who));
          } else if (does === 'find') {
            isSame &&= ((await cache.find(key, bytesOf)) !== undefined) === owners.has(id);
            owners.get(id)?.add(who);
          } else if (does === 'note') {
            await cache.noteUse(key);
            owners.get(id)?.add(who);
          } else if (who !== undefined) {
            await cache.removeOf(who);
            for (const [kept, users] of owners)
              if (users.delete(who) && users.size === 0) owners.delete(kept);
          }
          const { entries, sizeBytes } = cache.status();
          isSame &&= entries === owners.size && sizeBytes === 3 * owners.size;
        }
        expect(isSame).toBe(true);
        expect(files()).toHaveLength(owners.size);
        await cache.close();
      }),
      { numRuns: 30 },
    );
  });

  it('stay when more have used them than are remembered', async () => {
    const { cache } = await openCache();
    const stories = Array.from({ length: 30 }, (_, index) => `s${index}`);
    for (const owner of stories) await cache.keep({ ...A, owner }, soundOf(1));
    for (const owner of stories) await cache.removeOf(owner);
    expect(await cache.find(A, bytesOf)).toBeDefined();
  });

  it('are not removed halfway: an index that cannot be used is an error', async () => {
    const { cache } = await openCache();
    await cache.close();
    await expect(cache.removeOf('s1')).rejects.toThrow(/closed/);
  });
});
