import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';

/** One kept sound. */
export interface IndexEntry {
  /** What was asked for, as 64 hex digits. */
  readonly key: string;
  /** Name of the file with the sound, 64 hex digits. */
  readonly file: string;
  /** JSON. */
  readonly facts: string;
  readonly sizeBytes: number;
  /** Unix milliseconds. */
  readonly writtenAtMs: number;
}

/** Rises with every change of the tables; an index of another version is replaced by an empty one. */
const VERSION = 1;
/** The totals are counted by triggers, for all processes together. */
const SCHEMA = `
  BEGIN IMMEDIATE;
  CREATE TABLE IF NOT EXISTS entries (
    key TEXT PRIMARY KEY, file TEXT NOT NULL, facts TEXT NOT NULL,
    size INTEGER NOT NULL, written_at INTEGER NOT NULL, used_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS entries_by_use ON entries (used_at);
  CREATE INDEX IF NOT EXISTS entries_by_file ON entries (file);
  CREATE TABLE IF NOT EXISTS totals (entries INTEGER NOT NULL, size INTEGER NOT NULL) STRICT;
  INSERT INTO totals SELECT 0, 0 WHERE NOT EXISTS (SELECT 1 FROM totals);
  CREATE TRIGGER IF NOT EXISTS entry_added AFTER INSERT ON entries BEGIN
    UPDATE totals SET entries = entries + 1, size = size + NEW.size;
  END;
  CREATE TRIGGER IF NOT EXISTS entry_removed AFTER DELETE ON entries BEGIN
    UPDATE totals SET entries = entries - 1, size = size - OLD.size;
  END;
  PRAGMA user_version = ${VERSION};
  COMMIT;
`;

/** The longest that another process may hold up this thread. Statements take well under a millisecond. */
const BUSY_TIMEOUT_MS = 100;
const OPEN_BUSY_TIMEOUT_MS = 2_000;

/** SQLite's primary result code; undefined for other errors. */
const resultCode = (error: unknown): number | undefined => {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code % 256 : undefined;
};

/** SQLITE_BUSY: another process writes. */
export const isBusy = (error: unknown): boolean => resultCode(error) === 5;
/** SQLITE_CORRUPT or SQLITE_NOTADB. */
export const isDamaged = (error: unknown): boolean => [11, 26].includes(resultCode(error) ?? 0);

/**
 * What is in a cache folder, in SQLite, shared by all processes that share the folder. Nothing is flushed: an entry
 * survives the death of its process, and an index that a loss of power damaged is replaced.
 *
 * Every method throws the errors of SQLite.
 */
export class SoundIndex {
  readonly #db: DatabaseSync;
  #lastUsedAtMs = 0;

  /** Makes the folder, too. @throws what the file system throws */
  constructor(path: string, openDatabase: (path: string) => DatabaseSync) {
    // The folders above are not ours to close.
    mkdirSync(dirname(dirname(path)), { recursive: true });
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    this.#db = openOrReplace(path, openDatabase);
  }

  find(key: string): IndexEntry | undefined {
    const columns = 'key, file, facts, size AS sizeBytes, written_at AS writtenAtMs';
    return this.#db.prepare(`SELECT ${columns} FROM entries WHERE key = ?`).get(key) as
      | IndexEntry
      | undefined;
  }

  /** Replaces an entry with the same key. */
  put({ key, file, facts, sizeBytes, writtenAtMs }: IndexEntry): void {
    const insert = this.#db.prepare('INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?)');
    insert.run(key, file, facts, sizeBytes, writtenAtMs, this.#usedAt(writtenAtMs));
  }

  noteUse(key: string, nowMs: number): void {
    this.#db.prepare('UPDATE entries SET used_at = ? WHERE key = ?').run(this.#usedAt(nowMs), key);
  }

  /** Removes the entry with this file, and not one that has replaced it. */
  remove(file: string): void {
    this.#removed('file = ?', file);
  }

  /** Removes the least recently used entry. @returns its file */
  removeLeastRecent(): string | undefined {
    return this.#removed('key = (SELECT key FROM entries ORDER BY used_at LIMIT 1)')[0];
  }

  /** Removes the entries written before or after these times. @returns their files */
  removeOutside(earliestMs: number, latestMs: number): string[] {
    return this.#removed('written_at NOT BETWEEN ? AND ?', earliestMs, latestMs);
  }

  shelves(): string[] {
    const rows = this.#db.prepare('SELECT DISTINCT substr(file, 1, 2) AS shelf FROM entries').all();
    return rows.map(({ shelf }) => String(shelf));
  }

  /** The files of entries that begin with these hex digits. */
  filesIn(shelf: string): string[] {
    const rows = this.#db
      .prepare('SELECT file FROM entries WHERE file BETWEEN ? AND ?')
      .all(shelf, `${shelf}g`);
    return rows.map(({ file }) => String(file));
  }

  totals(): { readonly entries: number; readonly sizeBytes: number } {
    const { entries, size } = this.#db.prepare('SELECT entries, size FROM totals').get() ?? {};
    return { entries: Number(entries), sizeBytes: Number(size) };
  }

  close(): void {
    this.#db.close();
  }

  /** Never the same twice, so that uses within a millisecond keep their order. */
  #usedAt(nowMs: number): number {
    this.#lastUsedAtMs = Math.max(nowMs, this.#lastUsedAtMs + 1);
    return this.#lastUsedAtMs;
  }

  #removed(condition: string, ...values: (string | number)[]): string[] {
    const rows = this.#db.prepare(`DELETE FROM entries WHERE ${condition} RETURNING file`).all(...values);
    return rows.map(({ file }) => String(file));
  }
}

const openOrReplace = (path: string, openDatabase: (path: string) => DatabaseSync): DatabaseSync => {
  try {
    return openIndex(path, openDatabase);
  } catch (error) {
    if (!isDamaged(error) && !(error instanceof OtherVersion)) throw error;
  }
  for (const ending of ['', '-wal', '-shm']) rmSync(`${path}${ending}`, { force: true });
  return openIndex(path, openDatabase);
};

class OtherVersion extends Error {}

const openIndex = (path: string, openDatabase: (path: string) => DatabaseSync): DatabaseSync => {
  // SQLite gives the files beside it the same mode.
  closeSync(openSync(path, 'a', 0o600));
  const db = openDatabase(path);
  try {
    db.exec(`PRAGMA busy_timeout = ${OPEN_BUSY_TIMEOUT_MS}; PRAGMA journal_mode = WAL`);
    // With recursive triggers, REPLACE counts what it removes.
    db.exec('PRAGMA synchronous = NORMAL; PRAGMA recursive_triggers = ON');
    const version = db.prepare('PRAGMA user_version').get()?.['user_version'];
    if (version !== 0 && version !== VERSION) throw new OtherVersion(`version ${String(version)}`);
    if (version === 0) db.exec(SCHEMA);
    db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
};
