import * as fs from 'node:fs/promises';
import { createHash, randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs';

/** The disk as far as a cache needs it; tests put faults into it. */
export type CacheDisk = Pick<
  typeof fs,
  'mkdir' | 'readdir' | 'readFile' | 'rename' | 'stat' | 'unlink' | 'writeFile'
> & { readonly openDatabase: (path: string) => DatabaseSync };

export const REAL_DISK: CacheDisk = { ...fs, openDatabase: (path) => new DatabaseSync(path) };

/** What the name of a file is the hash of. */
export interface FileContents {
  readonly key: string;
  /** JSON. */
  readonly facts: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A sound, or its draft. */
const OWN_FILE = /^[0-9a-f]{64}(\.[\w-]+\.part)?$/;
/** A longer hash would hold up everything else that the thread does. */
const HASHED_AT_ONCE_BYTES = 2 ** 21;

/**
 * The files of a cache: `{first two digits}/{64 digits}`, each named by the hash of its bytes, its key and its facts, so
 * that any change is noticed. A file is there whole or not at all. Methods throw what the file system throws, except
 * that a missing file is no error.
 */
export class SoundFolder {
  readonly #root: string;
  readonly #disk: CacheDisk;

  constructor(root: string, disk: CacheDisk) {
    this.#root = root;
    this.#disk = disk;
  }

  /** @returns the name of the file */
  async write(contents: FileContents): Promise<string> {
    const file = await digestOf(contents);
    const path = this.#pathOf(file);
    const draft = `${path}.${randomUUID()}.part`;
    try {
      await this.#disk.mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await this.#disk.writeFile(draft, contents.bytes, { flag: 'wx', mode: 0o600 });
      await this.#disk.rename(draft, path);
    } catch (error) {
      await this.#disk.unlink(draft).catch(() => {});
      throw error;
    }
    return file;
  }

  /** The bytes of an entry, in memory that is the caller's. */
  async read(
    entry: Omit<FileContents, 'bytes'> & { readonly file: string; readonly sizeBytes: number },
  ): Promise<Uint8Array<ArrayBuffer> | 'missing' | 'altered'> {
    const path = this.#pathOf(entry.file);
    const found = await unlessMissing(this.#disk.stat(path));
    // Whatever lies there now may be larger than memory.
    if (found !== undefined && found.size !== entry.sizeBytes) return 'altered';
    const buffer = await unlessMissing(this.#disk.readFile(path));
    if (buffer === undefined) return 'missing';
    const bytes = new Uint8Array(buffer);
    return (await digestOf({ ...entry, bytes })) === entry.file ? bytes : 'altered';
  }

  async remove(file: string): Promise<void> {
    await unlessMissing(this.#disk.unlink(this.#pathOf(file)));
  }

  /** Names of the folders with sounds: the first two digits of the files in them. */
  async shelves(): Promise<string[]> {
    return (await this.list('')).filter((name) => /^[0-9a-f]{2}$/.test(name));
  }

  /** Names of all that is on a shelf, foreign files too. */
  async list(shelf: string): Promise<string[]> {
    return (await unlessMissing(this.#disk.readdir(join(this.#root, shelf)))) ?? [];
  }

  /** Whether it is a sound or a draft that was last written to before that time. */
  async isOlder(file: string, beforeMs: number): Promise<boolean> {
    if (!OWN_FILE.test(file)) return false;
    const found = await unlessMissing(this.#disk.stat(this.#pathOf(file)));
    return found?.isFile() === true && found.mtimeMs < beforeMs;
  }

  #pathOf(file: string): string {
    return join(this.#root, file.slice(0, 2), file);
  }
}

const digestOf = async ({ key, facts, bytes }: FileContents): Promise<string> => {
  const hash = createHash('sha256').update(`${key}\n${facts}\n`);
  for (let offset = 0; offset < bytes.length; offset += HASHED_AT_ONCE_BYTES) {
    if (offset > 0) await nextTurn();
    hash.update(bytes.subarray(offset, offset + HASHED_AT_ONCE_BYTES));
  }
  return hash.digest('hex');
};

const unlessMissing = async <Value>(work: Promise<Value>): Promise<Value | undefined> => {
  try {
    return await work;
  } catch (error) {
    if ((error as { code?: unknown } | null)?.code !== 'ENOENT') throw error;
    return undefined;
  }
};

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
