import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { errorWords, type Log } from '@taleback/core';
import { OutboxDatabase } from './database.node.ts';
import { formatEntry, type OutboxEntry } from './entry-file.ts';
import type { OutboxMessage, Substitute } from './message.ts';
import type { EntryName } from './schedule.ts';
import { makePrivateFolder, syncFolder, writePrivate } from './write-whole.node.ts';

/** Something that a process has begun, and that another takes over when it ends. */
export interface Held {
  readonly key: string;
  readonly value: string;
}

/** The content of an entry, or why it cannot be read. */
export type Content =
  | { readonly ok: true; readonly message: OutboxMessage }
  | { readonly ok: false; readonly reason: string };

interface Row extends EntryName {
  readonly owner: string;
  readonly held: number;
  readonly key: string;
  /** JSON text of the address and the substitute. */
  readonly head: string;
  readonly sum: string;
  readonly file: string | null;
  readonly body: string | null;
}

/** An entry that is not written yet. */
type NewRow = Omit<Row, 'id' | 'sum' | 'file'> & { readonly body: string };

/** Longer bodies lie in files of their own, because they would make a commit long. Characters. */
const MAX_INLINE = 65_536;
const BODIES = 'bodies';
/** Folder for what a person has to look at. */
export const SET_ASIDE = 'set-aside';
/** The process is short of something, and the file as good as ever. */
const PASSING_FAULTS: ReadonlySet<unknown> = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'EBUSY']);
/** A sweep may take a file from a writer in another process; the second one stays. */
const MAX_WRITES = 3;

const sumOf = (head: string, body: string): string =>
  createHash('sha256').update(`${head}\n`).update(body).digest('hex');

/** Why a file cannot be read. @throws the error, if it passes */
export const unreadableReason = (error: unknown): string => {
  if (PASSING_FAULTS.has((error as { code?: unknown }).code)) throw error;
  return `it cannot be read: ${errorWords(error)}`;
};

const messageOf = ({ key, head, lane }: Row, body: string): OutboxMessage => {
  const { url, substitute } = JSON.parse(head) as { url: string; substitute?: Substitute };
  return { url, messageId: key, body, lane, substitute };
};

/** The messages of an outbox on the disk. Every method throws what the file system or SQLite says. */
export class OutboxStore {
  readonly database: OutboxDatabase;
  #lastStamp = 0;

  /** @param folder undefined keeps everything in memory: what a killed process had is lost */
  constructor(folder: string | undefined, log: Log) {
    this.database = new OutboxDatabase(folder, log);
  }

  /**
   * Keeps a message; when it resolves, the message survives a loss of power.
   *
   * @param releases key of something held whose place the message takes
   */
  insert(message: OutboxMessage, nowMs: number, releases?: string): Promise<number> {
    // Later than every stamp before, also when the clock was set back; the one after it is for a substitute.
    this.#lastStamp = Math.max(Math.floor(nowMs), this.#lastStamp + 2);
    return this.#insert(this.#rowOf(message, this.#lastStamp), releases);
  }

  /** Keeps messages of an earlier version, in one commit. */
  insertAll(entries: readonly OutboxEntry[]): Promise<void> {
    return this.database.write(true, (db) => {
      for (const { message, createdMs } of entries)
        this.#add(db, this.#rowOf(message, Math.floor(createdMs)), null);
    });
  }

  /** Keeps something that a process has begun, default this one, in place of an earlier one with the same key. */
  async hold({ key, value }: Held, owner: string = this.database.owner): Promise<void> {
    await this.#insert(
      { owner, held: 1, stamp: 0, destination: '', lane: '', key, head: '', body: value },
      key,
    );
  }

  release(key: string): Promise<void> {
    return this.#remove('held = 1 AND key = ?', key);
  }

  /** Takes over what processes that have ended held, oldest first. No other process gets the same. */
  async adopt(): Promise<readonly Held[]> {
    const rows = await this.database.write(true, (db) => {
      this.database.forgetGoneOwners(db);
      const sql =
        'UPDATE entries SET owner = ? WHERE held = 1 AND owner NOT IN (SELECT id FROM owners) RETURNING *';
      return db.prepare(sql).all(this.database.owner) as unknown as Row[];
    });
    const held: Held[] = [];
    for (const row of rows.toSorted((one, other) => one.id - other.id)) {
      const value = await this.#bodyOf(row);
      if ('body' in value) held.push({ key: row.key, value: value.body });
      else {
        await this.#copyRowAside(row, value.reason);
        await this.remove(row.id);
      }
    }
    return held;
  }

  /** Lanes of what waits and was put by this process, or by one that has ended. */
  lanes(): readonly string[] {
    const sql =
      'SELECT lane FROM entries WHERE held = 0 AND (owner = ? OR owner NOT IN (SELECT id FROM owners))';
    const rows = this.database.open.prepare(sql).all(this.database.owner);
    return rows.map(({ lane }) => String(lane));
  }

  /** Messages after an id, in their order. */
  names(afterId: number): Iterable<EntryName> {
    const sql = 'SELECT id, stamp, destination, lane FROM entries WHERE held = 0 AND id > ? ORDER BY id';
    return this.database.open.prepare(sql).iterate(afterId) as Iterable<unknown> as Iterable<EntryName>;
  }

  /** Undefined when it is gone. */
  async read(id: number): Promise<Content | undefined> {
    const row = this.#row(id);
    if (row === undefined) return undefined;
    const read = await this.#bodyOf(row);
    return 'body' in read ? { ok: true, message: messageOf(row, read.body) } : { ok: false, ...read };
  }

  /** One that is gone is no fault. After a loss of power it may be back: then it is sent again. */
  remove(id: number): Promise<void> {
    return this.#remove('id = ?', id);
  }

  /** Puts another message in the place of one, before everything else of its lane. */
  async replace({ id, stamp, lane }: EntryName, { url, messageId, body }: Substitute): Promise<EntryName> {
    const name = { id, stamp: stamp + 1, lane, destination: new URL(url).origin };
    const head = JSON.stringify({ url });
    const files = await this.database.write(true, (db) => {
      const old = db.prepare('SELECT file FROM entries WHERE id = ?').all(id);
      db.prepare(
        'UPDATE entries SET stamp = ?, destination = ?, key = ?, head = ?, sum = ?, file = NULL, body = ? WHERE id = ?',
      ).run(name.stamp, name.destination, messageId, head, sumOf(head, body), body, id);
      return old;
    });
    await this.#removeFiles(files);
    return name;
  }

  /** Copies a message to `set-aside/`, with the reason beside it. */
  async copyAside(id: number, reason: string): Promise<void> {
    const row = this.#row(id);
    if (row !== undefined) await this.#copyRowAside(row, reason);
  }

  /** Removes bodies that no message names: their writer was killed. */
  sweep(): Promise<void> {
    return this.database.write(false, (db) => {
      if (this.database.folder === undefined || !existsSync(this.#pathOf(''))) return;
      const rows = db.prepare('SELECT file FROM entries WHERE file IS NOT NULL').all();
      const known = new Set(rows.map(({ file }) => file));
      for (const file of readdirSync(this.#pathOf(''))) if (!known.has(file)) rmSync(this.#pathOf(file));
    });
  }

  #row(id: number): Row | undefined {
    return this.database.open.prepare('SELECT * FROM entries WHERE id = ?').get(id) as Row | undefined;
  }

  #rowOf({ url, messageId, lane, substitute, body }: OutboxMessage, stamp: number): NewRow {
    return {
      owner: this.database.owner,
      held: 0,
      stamp,
      destination: new URL(url).origin,
      lane: lane ?? `message ${messageId}`,
      key: messageId,
      head: JSON.stringify({ url, substitute }),
      body,
    };
  }

  async #insert(row: NewRow, releases: string | undefined): Promise<number> {
    const isLong = this.database.folder !== undefined && row.body.length > MAX_INLINE;
    for (let tries = 1; tries <= MAX_WRITES; tries += 1) {
      const file = isLong ? await this.#writeBody(row.body) : null;
      const added = await this.database.write(true, (db) => {
        // Under the lock that a sweep takes, too.
        if (file !== null && !existsSync(this.#pathOf(file))) return undefined;
        const gone = releases === undefined ? [] : this.#take(db, 'held = 1 AND key = ?', releases);
        return { id: this.#add(db, row, file), gone };
      });
      if (added === undefined) continue;
      await this.#removeFiles(added.gone);
      return added.id;
    }
    throw new Error('the body of a message was removed while it was written');
  }

  #add(db: DatabaseSync, row: NewRow, file: string | null): number {
    const sql = `INSERT INTO entries (owner, held, stamp, destination, lane, key, head, sum, file, body)
      VALUES (:owner, :held, :stamp, :destination, :lane, :key, :head, :sum, :file, :body)`;
    const values = { ...row, sum: sumOf(row.head, row.body), file, body: file === null ? row.body : null };
    return Number(db.prepare(sql).run(values).lastInsertRowid);
  }

  #take(db: DatabaseSync, where: string, value: string | number): Record<string, unknown>[] {
    return db.prepare(`DELETE FROM entries WHERE ${where} RETURNING file`).all(value);
  }

  async #remove(where: string, value: string | number): Promise<void> {
    await this.#removeFiles(await this.database.write(false, (db) => this.#take(db, where, value)));
  }

  async #removeFiles(rows: readonly Record<string, unknown>[]): Promise<void> {
    for (const { file } of rows) if (typeof file === 'string') await rm(this.#pathOf(file), { force: true });
  }

  #pathOf(file: string): string {
    return join(this.database.folder ?? '', BODIES, file);
  }

  async #writeBody(body: string): Promise<string> {
    const name = randomUUID();
    // Makes the folder that the other one lies in.
    this.database.open satisfies unknown;
    makePrivateFolder(this.#pathOf(''));
    await writeFile(this.#pathOf(name), body, { flag: 'wx', mode: 0o600, flush: true });
    await syncFolder(this.#pathOf(''));
    return name;
  }

  /** @throws what passes; what stays is a reason */
  async #bodyOf({
    head,
    sum,
    file,
    body,
  }: Row): Promise<{ readonly body: string } | { readonly reason: string }> {
    try {
      const text = file === null ? (body ?? '') : await readFile(this.#pathOf(file), 'utf8');
      return sumOf(head, text) === sum
        ? { body: text }
        : { reason: 'it is not what was written: its checksum differs' };
    } catch (error) {
      return { reason: unreadableReason(error) };
    }
  }

  async #copyRowAside(row: Row, reason: string): Promise<void> {
    if (this.database.folder === undefined) return;
    const aside = join(this.database.folder, SET_ASIDE);
    const path = join(aside, `${String(row.stamp).padStart(15, '0')}-${row.id}.json`);
    // Without room for the reason the message is still kept: the log has the reason too.
    await writePrivate(`${path}.reason.txt`, `${reason}\n`).catch(() => {});
    const read = await this.#bodyOf(row);
    const isWhole = 'body' in read && row.held === 0;
    const entry = isWhole
      ? formatEntry({ message: messageOf(row, read.body), createdMs: row.stamp })
      : `${row.head}\n${row.body ?? ''}`;
    await writePrivate(path, entry);
  }
}
