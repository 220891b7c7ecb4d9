import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { OutboxDatabase } from '../src/database.node.ts';

let root: string;
const opened: OutboxDatabase[] = [];
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  root = await mkdtemp(join(tmpdir(), 'taleback-lease-'));
});
afterEach(async () => {
  for (const database of opened.splice(0)) database.close();
  vi.useRealTimers();
  await rm(root, { recursive: true, force: true });
});

interface Watched {
  readonly database: OutboxDatabase;
  readonly sends: boolean[];
  changes: number;
}

/** A process at the folder, and what it hears. */
const take = (folder = 'outbox'): Watched => {
  const database = new OutboxDatabase(join(root, folder), () => {});
  opened.push(database);
  const watched: Watched = { database, sends: [], changes: 0 };
  database.share({
    onSender: (isSender) => watched.sends.push(isSender),
    onChange: () => {
      watched.changes += 1;
    },
  });
  return watched;
};

/** The row of a process that never was here. */
const leave = (
  of: OutboxDatabase,
  owner: { pid: number; host: string; seen: number; started?: string },
): void => {
  of.open.exec('UPDATE owners SET sends = 0');
  of.open
    .prepare('INSERT INTO owners (id, pid, host, started, seen, sends) VALUES (?, ?, ?, ?, ?, 1)')
    .run('other', owner.pid, owner.host, owner.started ?? null, owner.seen);
};

/** So many looks of each process, which asks ten times a second. */
const look = (times: number): void => void vi.advanceTimersByTime(times * 100);

describe('the lease of the sender', () => {
  it('has one holder, whatever path leads to the folder; the next has it when the first gives it up', async () => {
    const first = take();
    await symlink(join(root, 'outbox'), join(root, 'other-name'));
    const others = [take('other-name'), take()];
    look(5);
    expect([first, ...others].map(({ sends }) => sends)).toEqual([[true], [], []]);
    first.database.close();
    look(1);
    expect(others.filter(({ sends }) => sends[0] === true)).toHaveLength(1);
  });

  it('is another one for another folder', () => {
    expect([take().sends, take('second').sends]).toEqual([[true], [true]]);
  });

  it('notifies its holder of what others write', async () => {
    const holder = take();
    const other = take();
    look(2);
    const before = holder.changes;
    look(5);
    expect(holder.changes).toBe(before);
    await other.database.write(true, (db) => db.exec("UPDATE owners SET seen = seen WHERE id = 'none'"));
    await other.database.write(true, (db) => db.exec('UPDATE owners SET seen = seen + 1'));
    look(1);
    expect(holder.changes).toBe(before + 1);
    expect(other.sends).toEqual([]);
  });

  it.each([
    ['its process is gone', { pid: 2 ** 22 + 1, host: hostname(), seen: Date.now() }, true],
    [
      'its number went to another process',
      { pid: process.pid, host: hostname(), started: '1', seen: 0 },
      true,
    ],
    ['its process lives', { pid: process.pid, host: hostname(), seen: 0 }, false],
    ['it is of another machine, seen lately', { pid: 1, host: 'other', seen: Date.now() - 30_000 }, false],
    ['it is of another machine, silent for long', { pid: 1, host: 'other', seen: Date.now() - 61_000 }, true],
  ])('is free or not: %s', async (_, owner, isFree) => {
    leave(new OutboxDatabase(join(root, 'outbox'), () => {}), owner);
    const here = take();
    look(5);
    expect(here.sends).toEqual(isFree ? [true] : []);
  });

  it('that cannot be written stops no process from sending', async () => {
    const here = take();
    here.database.close();
    const other = new OutboxDatabase(join(root, 'outbox'), () => {});
    opened.push(other);
    other.open.exec('PRAGMA query_only = ON');
    const sends: boolean[] = [];
    other.share({ onSender: (isSender) => sends.push(isSender), onChange: () => {} });
    expect(sends).toEqual([true]);
  });
});
