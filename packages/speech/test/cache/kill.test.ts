import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFakeClock } from '@taleback/resilience/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SoundCache } from '../../src/cache/sound-cache.ts';
import { soundFilesIn } from './cache-fixture.ts';
import { isNumber, keyOf, numberedSound, SOUND_BYTES } from './numbered-sound.ts';
import { type StartedChild, startChild } from './start-child.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'taleback-cache-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const idsOf = (child: StartedChild, kind: string): number[] => child.idsOf(kind).map(Number);

/** A cache of this process, some hours on; past the age at which files without an entry are removed. */
const openLater = async (folder: string, maxBytes: number) => {
  const warned: unknown[] = [];
  const cache = new SoundCache({
    folder,
    limits: { maxBytes, maxAgeMs: 24 * 3_600_000 },
    clock: createFakeClock(Date.now() + 2 * 3_600_000),
    log: (_, message, fields) => void warned.push([message, fields]),
  });
  await cache.open();
  return { cache, warned };
};

describe('kill -9', () => {
  it('before each single step on the disk in turn: what is there is whole, and all goes on', async () => {
    // Room for two: the third makes the first go, so that a removal has its steps too.
    const maxBytes = 2 * SOUND_BYTES + 10;
    let crashAt = 0;
    for (let isThrough = false; !isThrough; ) {
      crashAt += 1;
      const folder = join(root, `step-${crashAt}`);
      const child = startChild('cache-child.ts', {
        FOLDER: folder,
        MAX_BYTES: String(maxBytes),
        FROM: '1',
        TO: '3',
        CRASH_AT: String(crashAt),
      });
      const { signal } = await child.ended;
      isThrough = signal === null;
      const kept = idsOf(child, 'kept');

      const { cache, warned } = await openLater(folder, maxBytes * 2);
      const found = new Map<number, boolean | undefined>();
      for (const id of [1, 2, 3]) found.set(id, await cache.find(keyOf(id), isNumber(id)));
      expect([...found.values()], `killed before step ${crashAt}`).not.toContain(false);
      // One may have had to make room: whichever was used less recently, but not the last.
      const there = [1, 2, 3].filter((id) => found.get(id) === true);
      expect(there.length, `killed before step ${crashAt}`).toBeGreaterThanOrEqual(Math.min(kept.length, 2));
      expect(there, `killed before step ${crashAt}`).toEqual(expect.arrayContaining(kept.slice(-1)));
      for (const id of [1, 2, 3]) {
        await cache.keep(keyOf(id), numberedSound(id));
        expect(await cache.find(keyOf(id), isNumber(id))).toBe(true);
      }
      await cache.close();
      expect(warned).toEqual([]);
      expect(soundFilesIn(folder)).toHaveLength(3);
    }
    // Three drafts, their moves, the looks between, a removal.
    expect(crashAt).toBeGreaterThan(30);
  });
});

describe('two processes with one folder', () => {
  it("find each other's sounds or none, never wrong ones, and the next one trims the folder to its bounds", async () => {
    const maxBytes = 10 * SOUND_BYTES;
    const folder = join(root, 'shared');
    const common = { FOLDER: folder, MAX_BYTES: String(maxBytes), ROUNDS: '20' };
    const children = [
      startChild('cache-child.ts', { ...common, FROM: '1', TO: '14' }),
      startChild('cache-child.ts', { ...common, FROM: '8', TO: '22' }),
    ];
    for (const child of children) {
      expect(await child.ended).toEqual({ code: 0, signal: null });
      expect(idsOf(child, 'wrong')).toEqual([]);
      expect(child.idsOf('warned')).toEqual([]);
    }
    expect(soundFilesIn(folder).length).toBeGreaterThan(0);
    const { cache } = await openLater(folder, maxBytes);
    await cache.close();
    expect(soundFilesIn(folder).length).toBeLessThanOrEqual(10);
  });

  it('bear that one of them is killed again and again', async () => {
    const folder = join(root, 'shared');
    const common = { FOLDER: folder, MAX_BYTES: String(10 * SOUND_BYTES) };
    const steady = startChild('cache-child.ts', {
      ...common,
      FROM: '1',
      TO: '20',
      ROUNDS: '15',
    });
    for (let crashAt = 20; crashAt < 140; crashAt += 30) {
      const { signal } = await startChild('cache-child.ts', {
        ...common,
        FROM: '10',
        TO: '30',
        CRASH_AT: String(crashAt),
      }).ended;
      expect(signal).toBe('SIGKILL');
    }
    expect(await steady.ended).toEqual({ code: 0, signal: null });
    expect([...steady.idsOf('wrong'), ...steady.idsOf('warned')]).toEqual([]);
  });
});
