import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { importFolder } from '../src/import-folder.node.ts';
import { makePrivateFolder, OutboxStore, removeOldAside, writePrivate } from '../src/index.ts';
import { messageTo } from './child-message.ts';

const DAY_MS = 86_400_000;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'taleback-private-'));
  // As an earlier version made it.
  await chmod(folder, 0o755);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const modeOf = async (...names: string[]): Promise<string> =>
  ((await stat(join(folder, ...names))).mode & 0o777).toString(8);
/** What other users may read, at any depth. */
const openPlaces = async (): Promise<string[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.map(({ parentPath, name }) => join(parentPath, name));
  const open = await Promise.all(
    [folder, ...paths].map(async (path) => ((await stat(path)).mode & 0o077) !== 0),
  );
  return [folder, ...paths].filter((_, index) => open[index]);
};

describe('a private file', () => {
  it('is for its user only, and so is its folder', async () => {
    await writePrivate(join(folder, 'a', 'b', 'c.txt'), 'secret');
    expect(await readFile(join(folder, 'a', 'b', 'c.txt'), 'utf8')).toBe('secret');
    expect(await Promise.all([modeOf('a'), modeOf('a', 'b'), modeOf('a', 'b', 'c.txt')])).toEqual([
      '700',
      '700',
      '600',
    ]);
  });

  it('of an earlier version is closed with its folder', async () => {
    await writeFile(join(folder, 'old.json'), '{}', { mode: 0o644 });
    makePrivateFolder(folder);
    expect(await openPlaces()).toEqual([]);
  });
});

describe('an outbox', () => {
  it('lets no other user read anything of it, whatever an earlier version left', async () => {
    await mkdir(join(folder, 'set-aside'));
    await writeFile(join(folder, 'set-aside', 'old.json'), '{}');
    await writeFile(join(folder, 'torn.json'), '{"url":"https://a.example/?token=t"');
    await writeFile(join(folder, 'outbox.db'), '');
    const store = new OutboxStore(folder, () => {});
    const id = await store.insert(messageTo('http://a.example', 'm', 100_000), 1);
    await importFolder(folder, store, () => {});
    await store.copyAside(id, 'a reason');
    await removeOldAside(folder, Date.now());
    expect((await readdir(join(folder, 'set-aside'))).toSorted()).toEqual([
      expect.stringMatching(/^0{14}2-1\.json$/),
      expect.stringMatching(/^0{14}2-1\.json\.reason\.txt$/),
      'old.json',
      'torn.json',
      'torn.json.reason.txt',
    ]);
    expect(await openPlaces()).toEqual([]);
    store.database.close();
  });

  it('forgets what was set aside 30 days ago, and nothing else', async () => {
    const nowMs = Date.now();
    for (const name of ['set-aside', 'unreadable', 'refused', 'damaged-1', 'bodies']) {
      await mkdir(join(folder, name, 'replayed'), { recursive: true });
      for (const [file, ageDays] of [
        ['young', 29],
        ['old', 31],
      ] as const) {
        const path = join(folder, name, 'replayed', file);
        await writeFile(path, '');
        await utimes(path, new Date(nowMs - ageDays * DAY_MS), new Date(nowMs - ageDays * DAY_MS));
      }
    }
    await removeOldAside(folder, nowMs);
    for (const name of ['set-aside', 'unreadable', 'refused', 'damaged-1'])
      expect(await readdir(join(folder, name, 'replayed'))).toEqual(['young']);
    expect(await readdir(join(folder, 'bodies', 'replayed'))).toHaveLength(2);
    await removeOldAside(join(folder, 'nowhere'), nowMs);
  });
});
