import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { errorWords, type Log } from '@taleback/core';
import { lifeOf, type ProcessName, thisProcess } from './process-life.node.ts';
import { makePrivateFolder } from './write-whole.node.ts';

/** Hears what happens to a database that several processes share. */
export interface SharingListener {
  /** This process is the one that sends, or no longer. */
  readonly onSender: (isSender: boolean) => void;
  /** Another process has written something. */
  readonly onChange: () => void;
}

/** Longest wait of one statement for another process, ms. It blocks the event loop; the retries after it do not. */
const BUSY_MS = 100;
const BUSY_RETRY_MS = 25;
const MAX_BUSY_RETRIES = 200;
/** How often the database is asked what other processes did, ms. */
const POLL_MS = 100;
/** How often a process renews its row, for those that cannot ask the kernel about it, ms. */
const RENEW_MS = 10_000;
/** How long a sender of another machine or container may be silent, ms. */
const LEASE_MS = 60_000;
/** How long any other process there may be silent before what it holds is taken over, ms. */
const ABANDONED_MS = 300_000;
/** Pages after which the log is written back: few, so that no commit has much to do besides. */
const CHECKPOINT_PAGES = 100;

export const DATABASE_FILE = 'outbox.db';
const COMPANIONS = ['', '-wal', '-shm'] as const;
const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;
const DAMAGED: ReadonlySet<number> = new Set([SQLITE_CORRUPT, SQLITE_NOTADB]);

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, held INTEGER NOT NULL, owner TEXT NOT NULL, stamp INTEGER NOT NULL,
    destination TEXT NOT NULL, lane TEXT NOT NULL, key TEXT NOT NULL, head TEXT NOT NULL, sum TEXT NOT NULL,
    file TEXT, body TEXT) STRICT;
  CREATE INDEX IF NOT EXISTS held ON entries (key) WHERE held = 1;
  CREATE TABLE IF NOT EXISTS owners (
    id TEXT PRIMARY KEY, pid INTEGER NOT NULL, host TEXT NOT NULL, started TEXT, seen INTEGER NOT NULL,
    sends INTEGER NOT NULL) STRICT;`;

interface Owner extends ProcessName {
  readonly id: string;
  /** Unix ms. */
  readonly seen: number;
  readonly sends: number;
}

/** SQLite's number of an error, without its details. */
const codeOf = (error: unknown): number => ((error as { errcode?: number } | null)?.errcode ?? 0) & 0xff;

/** An outbox's database: how it is opened, shared by processes, written to, and replaced when it is damaged. */
export class OutboxDatabase {
  /** The folder as an absolute path; undefined keeps everything in memory, for one process only. */
  readonly folder: string | undefined;
  /** This process, as a row of `owners`. */
  readonly owner = randomUUID();
  readonly #path: string;
  readonly #log: Log;
  #db: DatabaseSync | undefined;
  #inode = 0;
  #version: unknown;
  /** Prepared once for a connection: it runs all the time. */
  #askVersion: StatementSync | undefined;
  #renewedMs = 0;
  #isSender = false;
  #sharing: SharingListener | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(folder: string | undefined, log: Log) {
    this.folder = folder === undefined ? undefined : resolve(folder);
    this.#path = this.folder === undefined ? ':memory:' : join(this.folder, DATABASE_FILE);
    this.#log = log;
  }

  /**
   * The open database. It is opened again when its file is not there any more.
   * @throws what the file system or SQLite says; a later call may succeed
   */
  get open(): DatabaseSync {
    if (this.#db !== undefined && (this.folder === undefined || this.#inode === this.#currentInode()))
      return this.#db;
    this.#drop();
    try {
      this.#db = this.#connect();
    } catch (error) {
      if (!DAMAGED.has(codeOf(error)) || this.folder === undefined) throw error;
      this.#db = this.#replaceDamaged(this.folder, error);
    }
    this.#inode = this.#currentInode();
    return this.#db;
  }

  /** Begins to take part: at once, and whenever another process ends, `onSender` may make this one the sender. */
  share(listener: SharingListener): void {
    if (this.#timer !== undefined || !this.open) return;
    this.#sharing = listener;
    this.#timer = setInterval(() => this.#poll(), POLL_MS).unref();
    this.#poll();
  }

  /** Lets another process send. A later write opens the database again. */
  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#sharing = undefined;
    this.#isSender = false;
    this.#renewedMs = 0;
    try {
      this.#db?.prepare('DELETE FROM owners WHERE id = ?').run(this.owner);
    } catch (error) {
      this.#log('warn', 'outbox could not be left', { error: errorWords(error) });
    }
    this.#drop();
  }

  /**
   * Runs statements in one transaction. While other processes write, it is tried again without blocking.
   *
   * @param isLasting whether it has to survive a loss of power when the promise resolves
   */
  async write<T>(isLasting: boolean, work: (db: DatabaseSync) => T): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return this.#transact(isLasting, work);
      } catch (error) {
        const isBusy = codeOf(error) === SQLITE_BUSY;
        const isDamaged = DAMAGED.has(codeOf(error)) && tries === 1;
        if (isDamaged) this.#drop();
        if (!isDamaged && (!isBusy || tries > MAX_BUSY_RETRIES)) throw error;
      }
      await wait(BUSY_RETRY_MS);
    }
  }

  /** Removes the rows of processes that have ended; within a transaction. */
  forgetGoneOwners(db: DatabaseSync): void {
    for (const owner of db.prepare('SELECT * FROM owners').all() as unknown as Owner[])
      if (this.#isGone(owner, ABANDONED_MS)) db.prepare('DELETE FROM owners WHERE id = ?').run(owner.id);
  }

  #transact<T>(isLasting: boolean, work: (db: DatabaseSync) => T): T {
    const db = this.open;
    db.exec(`PRAGMA synchronous = ${isLasting ? 'FULL' : 'NORMAL'}`);
    db.exec('BEGIN IMMEDIATE');
    try {
      const result = work(db);
      db.exec('COMMIT');
      return result;
    } catch (error) {
      try {
        db.exec('ROLLBACK');
      } catch {
        // SQLite has rolled back already.
      }
      throw error;
    }
  }

  #currentInode(): number {
    return this.folder === undefined ? 0 : (statSync(this.#path, { throwIfNoEntry: false })?.ino ?? 0);
  }

  #drop(): void {
    this.#db?.close();
    this.#db = undefined;
    this.#askVersion = undefined;
  }

  #connect(): DatabaseSync {
    if (this.folder !== undefined) {
      makePrivateFolder(this.folder);
      closeSync(openSync(this.#path, 'a', 0o600));
    }
    const db = new DatabaseSync(this.#path, { timeout: BUSY_MS });
    try {
      db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
        PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};`);
      const health = db.prepare('PRAGMA quick_check(1)').get();
      const words = String(health?.['quick_check']);
      if (words !== 'ok') throw Object.assign(new Error(words), { errcode: SQLITE_CORRUPT });
      db.exec(SCHEMA);
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  }

  /** Puts a damaged database aside and begins a new one with everything that can still be read. */
  #replaceDamaged(folder: string, cause: unknown): DatabaseSync {
    const aside = join(folder, `damaged-${Date.now()}`);
    mkdirSync(aside, { mode: 0o700 });
    for (const ending of COMPANIONS)
      if (existsSync(this.#path + ending))
        renameSync(this.#path + ending, join(aside, DATABASE_FILE + ending));
    const db = this.#connect();
    let saved = 0;
    try {
      saved = salvage(join(aside, DATABASE_FILE), db);
    } catch (error) {
      this.#log('error', 'nothing could be read from the damaged outbox', { error: errorWords(error) });
    }
    const about = { aside, saved, cause: errorWords(cause) };
    this.#log('error', 'the outbox was damaged; it was set aside and a new one started', about);
    return db;
  }

  #poll(): void {
    const wasSender = this.#isSender;
    try {
      if (Date.now() - this.#renewedMs >= RENEW_MS || (!wasSender && this.#mayLead(this.open))) this.#renew();
      if (this.#isSender && this.#hasChanged()) this.#sharing?.onChange();
    } catch (error) {
      if (codeOf(error) === SQLITE_BUSY || wasSender) return;
      // A message that arrives twice is better than one that never does.
      this.#log('error', 'outbox cannot be locked', { error: errorWords(error) });
      this.#isSender = true;
    }
    if (this.#isSender !== wasSender) this.#sharing?.onSender(this.#isSender);
  }

  #mayLead(db: DatabaseSync): boolean {
    const sender = db.prepare('SELECT * FROM owners WHERE sends = 1').get() as Owner | undefined;
    return sender === undefined || sender.id === this.owner || this.#isGone(sender, LEASE_MS);
  }

  /** Writes this process's row, as the sender's if no other process sends: one may have taken a long silence for an end. */
  #renew(): void {
    const { pid, host, started = null } = thisProcess();
    const seenMs = Date.now();
    this.#isSender = this.#transact(false, (db) => {
      const mayLead = this.#mayLead(db);
      if (mayLead) db.exec('UPDATE owners SET sends = 0');
      this.forgetGoneOwners(db);
      const row = [this.owner, pid, host, started, seenMs, mayLead ? 1 : 0] as const;
      db.prepare('INSERT OR REPLACE INTO owners VALUES (?, ?, ?, ?, ?, ?)').run(...row);
      return mayLead;
    });
    this.#renewedMs = seenMs;
  }

  #isGone({ id, seen, pid, host, started }: Owner, silentMs: number): boolean {
    if (id === this.owner) return false;
    const life = lifeOf({ pid, host, started: started ?? undefined });
    return life === 'elsewhere' ? Date.now() - seen > silentMs : life === 'gone';
  }

  #hasChanged(): boolean {
    const db = this.open;
    this.#askVersion ??= db.prepare('PRAGMA data_version');
    const version = this.#askVersion.get()?.['data_version'];
    const hasChanged = version !== this.#version;
    this.#version = version;
    return hasChanged;
  }
}

/** Copies the readable entries of a damaged database, from both ends up to where it is damaged. @returns how many */
const salvage = (from: string, to: DatabaseSync): number => {
  const damaged = new DatabaseSync(from);
  let saved = 0;
  try {
    for (const direction of ['ASC', 'DESC']) {
      try {
        for (const row of damaged.prepare(`SELECT * FROM entries ORDER BY id ${direction}`).iterate()) {
          const names = Object.keys(row);
          const sql = `INSERT OR IGNORE INTO entries (${names.join(', ')}) VALUES (:${names.join(', :')})`;
          saved += Number(to.prepare(sql).run(row).changes);
        }
        break;
      } catch {
        // Up to here.
      }
    }
  } finally {
    damaged.close();
  }
  return saved;
};
