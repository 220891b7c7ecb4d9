import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { importFolder } from '../src/import-folder.node.ts';
import { formatEntry, OutboxStore } from '../src/index.ts';
import { messageTo } from './child-message.ts';

let folder: string;
const logged: string[] = [];
const stores: OutboxStore[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'taleback-store-'));
  logged.length = 0;
});
afterEach(async () => {
  for (const store of stores.splice(0)) store.database.close();
  await rm(folder, { recursive: true, force: true });
});

const log = (severity: string, message: string): void => void logged.push(`${severity}: ${message}`);
const openStore = (): OutboxStore => {
  const store = new OutboxStore(folder, log);
  stores.push(store);
  store.database.share({ onSender: () => {}, onChange: () => {} });
  return store;
};
const message = (id: string, padding = 0) => messageTo('http://a.example', id, padding);
const ids = (store: OutboxStore): number[] => [...store.names(0)].map(({ id }) => id);
const keys = async (store: OutboxStore): Promise<string[]> => {
  const read = await Promise.all(ids(store).map((id) => store.read(id)));
  return read.flatMap((content) => (content?.ok === true ? [content.message.messageId] : []));
};
const filesIn = (name: string): Promise<string[]> => readdir(join(folder, name)).catch(() => []);

describe('a store', () => {
  it('gives back what it keeps, in order, also after it was closed', async () => {
    const first = openStore();
    const messages = [message('a-1'), message('b-2', 100_000)];
    for (const it of messages) await first.insert(it, 1_000);
    first.database.close();
    const second = openStore();
    const [one = 0, two = 0] = ids(second);
    expect(await second.read(one)).toEqual({ ok: true, message: messages[0] });
    expect(await second.read(two)).toEqual({ ok: true, message: messages[1] });
    expect([...second.names(one)].map(({ stamp }) => stamp)).toEqual([1_002]);
  });

  it('keeps long bodies in private files, which go with their messages', async () => {
    const store = openStore();
    const id = await store.insert(message('a-1', 100_000), 1);
    const [file = ''] = await filesIn('bodies');
    expect((await stat(join(folder, 'bodies', file))).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'bodies'))).mode & 0o777).toBe(0o700);
    expect((await stat(join(folder, 'outbox.db'))).mode & 0o777).toBe(0o600);
    await store.remove(id);
    expect(await filesIn('bodies')).toEqual([]);
    await store.hold({ key: 'k', value: 'x'.repeat(100_000) });
    expect(await filesIn('bodies')).toHaveLength(1);
    await store.insert(message('a-2'), 1, 'k');
    expect(await filesIn('bodies')).toEqual([]);
  });

  it.each([
    ['cut', (path: string) => truncate(path, 100), 'it is not what was written: its checksum differs'],
    ['gone', (path: string) => rm(path), /^it cannot be read: ENOENT/],
    ['a folder', (path: string) => rm(path).then(() => mkdir(path)), /^it cannot be read: EISDIR/],
  ])('gives the reason when the file of a body is %s', async (_, damage, reason) => {
    const store = openStore();
    const id = await store.insert(message('a-1', 100_000), 1);
    await damage(join(folder, 'bodies', (await filesIn('bodies'))[0] ?? ''));
    expect(await store.read(id)).toEqual({ ok: false, reason: expect.stringMatching(reason) as string });
  });

  it('sweeps the body of a writer that was killed, and no other', async () => {
    const store = openStore();
    await store.insert(message('a-1', 100_000), 1);
    await writeFile(join(folder, 'bodies', 'left'), 'x');
    await store.sweep();
    expect(await filesIn('bodies')).toHaveLength(1);
    expect(await keys(store)).toEqual(['ready_a-1']);
  });

  it('on a full disk refuses what comes, keeps what it has, and works again', async () => {
    const store = openStore();
    await store.insert(message('a-1'), 1);
    const db = store.database.open;
    const pages = db.prepare('PRAGMA page_count').get()?.['page_count'] as number;
    db.exec(`PRAGMA max_page_count = ${pages}`);
    await expect(store.insert(message('b-1', 60_000), 2)).rejects.toThrow('full');
    expect(await keys(store)).toEqual(['ready_a-1']);
    await store.remove(ids(store)[0] ?? 0);
    db.exec('PRAGMA max_page_count = 1000000');
    await store.insert(message('b-1', 60_000), 2);
    expect(await keys(store)).toEqual(['ready_b-1']);
  });

  it('rejects when its folder is gone and cannot be made again, and works when it can', async () => {
    const store = openStore();
    await rm(folder, { recursive: true });
    await writeFile(folder, 'a file in its place');
    await expect(store.insert(message('a-1'), 1)).rejects.toThrow('EEXIST');
    await rm(folder);
    await store.insert(message('a-1'), 1);
    expect(await keys(store)).toEqual(['ready_a-1']);
  });
});

const fill = async (count: number): Promise<void> => {
  const store = openStore();
  for (let index = 1; index <= count; index += 1) await store.insert(message(`s-${index}`, 5_000), index);
  store.database.close();
};

describe('a damaged database', () => {
  it('that is no database at all is set aside, and a new one started', async () => {
    await fill(2);
    await writeFile(join(folder, 'outbox.db'), 'x'.repeat(10_000));
    const store = openStore();
    expect(logged).toContain('error: the outbox was damaged; it was set aside and a new one started');
    await store.insert(message('a-1'), 1);
    expect(await keys(store)).toEqual(['ready_a-1']);
    const aside = (await readdir(folder)).filter((name) => name.startsWith('damaged-'));
    expect(await readdir(join(folder, aside[0] ?? ''))).toContain('outbox.db');
  });

  it.each([0.3, 0.6, 0.95])(
    'keeps what can be read before and behind a page that is lost: at %f',
    async (share) => {
      const COUNT = 60;
      await fill(COUNT);
      const path = join(folder, 'outbox.db');
      const { size } = await stat(path);
      const file = await open(path, 'r+');
      await file.write(Buffer.alloc(4_096, 0x55), 0, 4_096, Math.floor((size * share) / 4_096) * 4_096);
      await file.close();
      const store = openStore();
      const found = await keys(store);
      expect(found.length).toBeGreaterThan(COUNT - 12);
      expect(found.every((key) => /^ready_s-\d+$/.test(key))).toBe(true);
    },
  );
});

const owner = (id: string, pid: number, host: string, seen: number): void =>
  void stores[0]?.database.open
    .prepare('INSERT INTO owners (id, pid, host, started, seen, sends) VALUES (?, ?, ?, NULL, ?, 0)')
    .run(id, pid, host, seen);

describe('what is held', () => {
  it('is taken over when its process has ended, oldest first and once', async () => {
    const [first, second, third] = [openStore(), openStore(), openStore()];
    await first.hold({ key: 'b', value: '1' });
    await first.hold({ key: 'a', value: '2' });
    expect(await second.adopt()).toEqual([]);
    first.database.close();
    expect(await second.adopt()).toEqual([
      { key: 'b', value: '1' },
      { key: 'a', value: '2' },
    ]);
    expect(await third.adopt()).toEqual([]);
    await second.release('a');
    await second.release('never-held');
    second.database.close();
    expect(await third.adopt()).toEqual([{ key: 'b', value: '1' }]);
  });

  it.each([
    ['its process is gone', 2 ** 22 + 1, hostname(), 0, true],
    ['it lives', process.pid, hostname(), 0, false],
    ['it is of another machine that was seen lately', 1, 'other', 290_000, false],
    ['it is of another machine that was silent for long', 1, 'other', 301_000, true],
  ])('when %s', async (_, pid, host, ageMs, isTaken) => {
    const store = openStore();
    await store.hold({ key: 'k', value: 'v' });
    owner('other', pid, host, Date.now() - ageMs);
    store.database.open.exec("UPDATE entries SET owner = 'other'");
    expect(await store.adopt()).toHaveLength(isTaken ? 1 : 0);
  });
});

const nameOf = (stamp: number, id: string): string =>
  `${String(stamp).padStart(15, '0')}-aaaaaaaaaaaa-bbbbbbbbbbbb-${id}.json`;

describe('a folder of version 0.1', () => {
  it('is imported in its order; what is no entry is set aside with the reason', async () => {
    const files = {
      [nameOf(3, '000000000003')]: formatEntry({ message: message('s-3'), createdMs: 3 }),
      [nameOf(2, '000000000002')]: formatEntry({ message: message('s-2'), createdMs: 2 }),
      [nameOf(4, '000000000004')]: '{"version":1,"url":"https://a.exam',
      [nameOf(5, '000000000005')]: `{"version":1}\n${'0'.repeat(64)}\n`,
      [nameOf(6, '000000000006')]:
        `{"version":2}\n${createHash('sha256').update('{"version":2}').digest('hex')}\n`,
      [nameOf(7, '000000000007')]: '\0'.repeat(400),
      [nameOf(8, '000000000008')]: Buffer.alloc(8 * 2 ** 20 + 1),
      [nameOf(999_999_999_999_999, '000000000009')]: 'x',
      [`${nameOf(9, '00000000000a')}.x.part`]: 'x',
      'notes.txt': 'of a person',
      '.hidden': 'x',
    };
    for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
    const store = openStore();
    expect(await importFolder(folder, store, log)).toBe(7);
    expect(await keys(store)).toEqual(['ready_s-2', 'ready_s-3']);
    expect([...store.names(0)].map(({ stamp, lane }) => [stamp, lane])).toEqual([
      [2, 'job s-2'],
      [3, 'job s-3'],
    ]);
    const left = (await readdir(folder)).filter((name) => !name.startsWith('outbox.db'));
    expect(left.sort()).toEqual(['.hidden', 'bodies', 'set-aside'].filter((name) => left.includes(name)));
    const reasons = (await filesIn('set-aside')).filter((name) => name.endsWith('.reason.txt'));
    expect(reasons).toHaveLength(7);
    for (const name of reasons)
      expect(await readFile(join(folder, 'set-aside', name), 'utf8')).toMatch(/^(it|version)/);
    expect(await importFolder(folder, store, log)).toBe(0);
  });
});
