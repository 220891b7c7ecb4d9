import { createHash, randomUUID } from 'node:crypto';
import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** The disk as far as a cache needs it; tests put faults into it. */
export type CacheDisk = Pick<
  typeof fs,
  'mkdir' | 'readdir' | 'readFile' | 'rename' | 'stat' | 'unlink' | 'writeFile'
> & { readonly openDatabase: (path: string) => DatabaseSync };

export const REAL_DISK: CacheDisk = { ...fs, openDatabase: (path) => new DatabaseSync(path) };

/** A sound in the index. */
export interface SoundEntry {
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

type NewSound = Pick<SoundEntry, 'key' | 'facts'> & { readonly owner: string };

/** Rises with every change of the tables; an index of another version is replaced by an empty one. */
const VERSION = 2;
/** Owners of an entry that are remembered; later ones are noted as '', which no deletion names. */
const MAX_OWNERS = 20;
const NOTE_OWNER = `
  INSERT INTO owners SELECT NEW.key, noted FROM (SELECT iif(
    (SELECT count(*) FROM owners WHERE key = NEW.key AND owner <> NEW.owner) < ${MAX_OWNERS}, NEW.owner, '') AS noted)
    WHERE NOT EXISTS (SELECT 1 FROM owners WHERE key = NEW.key AND owner = noted);
`;
/** The totals are counted, and owners noted, by triggers: for all processes together, and in one step with the entry. */
const SCHEMA = `
  BEGIN IMMEDIATE;
  CREATE TABLE IF NOT EXISTS entries (
    key TEXT PRIMARY KEY, file TEXT NOT NULL, facts TEXT NOT NULL,
    size INTEGER NOT NULL, written_at INTEGER NOT NULL, used_at INTEGER NOT NULL, owner TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS owners (key TEXT, owner TEXT, PRIMARY KEY (key, owner)) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS owners_by_owner ON owners (owner);
  CREATE INDEX IF NOT EXISTS entries_by_use ON entries (used_at);
  CREATE INDEX IF NOT EXISTS entries_by_file ON entries (file);
  CREATE TABLE IF NOT EXISTS totals (entries INTEGER NOT NULL, size INTEGER NOT NULL) STRICT;
  INSERT INTO totals SELECT 0, 0 WHERE NOT EXISTS (SELECT 1 FROM totals);
  CREATE TRIGGER IF NOT EXISTS entry_added AFTER INSERT ON entries BEGIN
    UPDATE totals SET entries = entries + 1, size = size + NEW.size; ${NOTE_OWNER}
  END;
  CREATE TRIGGER IF NOT EXISTS entry_replaced AFTER UPDATE OF size ON entries
    BEGIN UPDATE totals SET size = size + NEW.size - OLD.size; END;
  CREATE TRIGGER IF NOT EXISTS entry_used AFTER UPDATE OF owner ON entries BEGIN ${NOTE_OWNER} END;
  CREATE TRIGGER IF NOT EXISTS entry_removed AFTER DELETE ON entries BEGIN
    UPDATE totals SET entries = entries - 1, size = size - OLD.size;
    DELETE FROM owners WHERE key = OLD.key;
  END;
  PRAGMA user_version = ${VERSION};
  COMMIT;
`;
/** Not REPLACE, with which the other owners would be lost. */
const KEEP = `INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET (file, facts, size, written_at,
  used_at, owner) = (excluded.file, excluded.facts, excluded.size, excluded.written_at, excluded.used_at, excluded.owner)`;
/** The longest that another process may hold up this thread. Statements take well under a millisecond. */
const BUSY_TIMEOUT_MS = 100;
const OPEN_BUSY_TIMEOUT_MS = 2_000;
/** A sound, or its draft. */
const OWN_FILE = /^[0-9a-f]{64}(\.[\w-]+\.part)?$/;
/** A longer hash would hold up everything else that the thread does. */
const HASHED_AT_ONCE_BYTES = 2 ** 21;

/**
 * The folder of a cache, shared by all processes that use it: an index in SQLite, and the sounds in files
 * `{first two digits}/{64 digits}`, each named by the hash of its bytes, its key and its facts, so that any change is noticed.
 *
 * A file is there whole or not at all, and before its entry. Nothing is flushed: an entry survives the death of its process,
 * and an index that a loss of power damaged is replaced. Methods throw what SQLite and the file system throw, except that a
 * missing file is no error.
 */
export class SoundStore {
  readonly #root: string;
  readonly #disk: CacheDisk;
  #db: DatabaseSync | undefined;
  #isClosed = false;
  #lastUsedAtMs = 0;

  constructor(folder: string, disk: CacheDisk) {
    this.#root = resolve(folder);
    this.#disk = disk;
  }

  find(key: string): SoundEntry | undefined {
    const columns = 'key, file, facts, size AS sizeBytes, written_at AS writtenAtMs';
    return this.#run(`SELECT ${columns} FROM entries WHERE key = ?`, key)[0] as SoundEntry | undefined;
  }

  noteUse(key: string, owner: string, nowMs: number): void {
    this.#run('UPDATE entries SET used_at = ?, owner = ? WHERE key = ?', this.#usedAt(nowMs), owner, key);
  }

  /** Removes the entries that only this owner has used, and forgets the owner of others. @returns their files */
  removeOf(owner: string): string[] {
    const ofOthers = 'SELECT 1 FROM owners WHERE key = entries.key AND owner <> ?1';
    const own = `key IN (SELECT key FROM owners WHERE owner = ?1) AND NOT EXISTS (${ofOthers})`;
    const files = this.#files(`DELETE FROM entries WHERE ${own} RETURNING file`, owner);
    this.#run('DELETE FROM owners WHERE owner = ?', owner);
    return files;
  }

  /** Removes the entry with this file, and not one that has replaced it. */
  removeEntry(file: string): void {
    this.#run('DELETE FROM entries WHERE file = ?', file);
  }

  /** Removes the least recently used entry. @returns its file */
  removeLeastRecent(): string | undefined {
    const oldest = 'SELECT key FROM entries ORDER BY used_at LIMIT 1';
    return this.#files(`DELETE FROM entries WHERE key = (${oldest}) RETURNING file`)[0];
  }

  /** Removes the entries written before or after these times. @returns their files */
  removeOutside(earliestMs: number, latestMs: number): string[] {
    const condition = 'written_at NOT BETWEEN ? AND ?';
    return this.#files(`DELETE FROM entries WHERE ${condition} RETURNING file`, earliestMs, latestMs);
  }

  totals(): { readonly entries: number; readonly sizeBytes: number } {
    const [row] = this.#run('SELECT entries, size FROM totals');
    return { entries: Number(row?.['entries']), sizeBytes: Number(row?.['size']) };
  }

  /** The first two digits of files, and of those that entries have. */
  async shelves(): Promise<Set<string>> {
    const indexed = this.#files('SELECT DISTINCT substr(file, 1, 2) AS file FROM entries');
    const found = await this.#list('');
    return new Set([...indexed, ...found.filter((name) => /^[0-9a-f]{2}$/.test(name))]);
  }

  /** Removes the entries of a shelf that have lost their file. @returns files without an entry, foreign ones too */
  async removeLostEntries(shelf: string): Promise<Set<string>> {
    // Before the folder is read: a file is there before its entry, so an entry of now without a file has lost it.
    const indexed = this.#files('SELECT file FROM entries WHERE file BETWEEN ? AND ?', shelf, `${shelf}g`);
    const files = new Set(await this.#list(shelf));
    for (const file of indexed) if (!files.delete(file)) this.removeEntry(file);
    return files;
  }

  /** Keeps a sound in the place of the one with the same key. */
  async write(sound: NewSound, bytes: Uint8Array<ArrayBuffer>, nowMs: number): Promise<void> {
    const { key, facts, owner } = sound;
    const file = await digestOf(key, facts, bytes);
    const path = this.#pathOf(file);
    const draft = `${path}.${randomUUID()}.part`;
    let written = draft;
    try {
      await this.#disk.mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await this.#disk.writeFile(draft, bytes, { flag: 'wx', mode: 0o600 });
      await this.#disk.rename(draft, path);
      written = path;
      this.#run(KEEP, key, file, facts, bytes.length, nowMs, this.#usedAt(nowMs), owner);
    } catch (error) {
      await this.#disk.unlink(written).catch(() => {});
      throw error;
    }
  }

  /** The bytes of an entry, in memory that is the caller's. */
  async read(entry: SoundEntry): Promise<Uint8Array<ArrayBuffer> | 'missing' | 'altered'> {
    const path = this.#pathOf(entry.file);
    const found = await unlessMissing(this.#disk.stat(path));
    // Whatever lies there now may be larger than memory.
    if (found !== undefined && found.size !== entry.sizeBytes) return 'altered';
    const buffer = await unlessMissing(this.#disk.readFile(path));
    if (buffer === undefined) return 'missing';
    const bytes = new Uint8Array(buffer);
    return (await digestOf(entry.key, entry.facts, bytes)) === entry.file ? bytes : 'altered';
  }

  async removeFile(file: string): Promise<void> {
    await unlessMissing(this.#disk.unlink(this.#pathOf(file)));
  }

  /** Whether it is a sound or a draft that was last written to before that time. */
  async isOlder(file: string, beforeMs: number): Promise<boolean> {
    if (!OWN_FILE.test(file)) return false;
    const found = await unlessMissing(this.#disk.stat(this.#pathOf(file)));
    return found?.isFile() === true && found.mtimeMs < beforeMs;
  }

  /** The index cannot be used after that. */
  close(): void {
    this.#isClosed = true;
    this.#closeIndex();
  }

  async #list(shelf: string): Promise<string[]> {
    return (await unlessMissing(this.#disk.readdir(join(this.#root, shelf)))) ?? [];
  }

  #pathOf(file: string): string {
    return join(this.#root, file.slice(0, 2), file);
  }

  #files(sql: string, ...values: (string | number)[]): string[] {
    return this.#run(sql, ...values).map(({ file }) => String(file));
  }

  #run(sql: string, ...values: (string | number)[]): Record<string, unknown>[] {
    if (this.#isClosed) throw new Error('the sound cache is closed');
    try {
      this.#db ??= this.#openIndex();
      return this.#db.prepare(sql).all(...values);
    } catch (error) {
      // It is replaced at the next use.
      if (isDamaged(error)) this.#closeIndex();
      throw error;
    }
  }

  #closeIndex(): void {
    this.#db?.close();
    this.#db = undefined;
  }

  /** Never the same twice, so that uses within a millisecond keep their order. */
  #usedAt(nowMs: number): number {
    this.#lastUsedAtMs = Math.max(nowMs, this.#lastUsedAtMs + 1);
    return this.#lastUsedAtMs;
  }

  /** Makes the folder, too. */
  #openIndex(): DatabaseSync {
    const path = join(this.#root, 'index.db');
    // The folders above are not ours to close.
    mkdirSync(dirname(this.#root), { recursive: true });
    mkdirSync(this.#root, { recursive: true, mode: 0o700 });
    try {
      return openIndex(path, this.#disk.openDatabase);
    } catch (error) {
      if (!isDamaged(error)) throw error;
      for (const ending of ['', '-wal', '-shm']) rmSync(`${path}${ending}`, { force: true });
      return openIndex(path, this.#disk.openDatabase);
    }
  }
}

const openIndex = (path: string, openDatabase: CacheDisk['openDatabase']): DatabaseSync => {
  // SQLite gives the files beside it the same mode.
  closeSync(openSync(path, 'a', 0o600));
  const db = openDatabase(path);
  try {
    db.exec(`PRAGMA busy_timeout = ${OPEN_BUSY_TIMEOUT_MS}; PRAGMA journal_mode = WAL`);
    db.exec('PRAGMA synchronous = NORMAL');
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

class OtherVersion extends Error {}

/** SQLite's primary result code; undefined for other errors. */
const resultCode = (error: unknown): number | undefined => {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code % 256 : undefined;
};

/** SQLITE_BUSY: another process writes. */
export const isBusy = (error: unknown): boolean => resultCode(error) === 5;
/** SQLITE_CORRUPT or SQLITE_NOTADB, or an index of another version. */
const isDamaged = (error: unknown): boolean =>
  error instanceof OtherVersion || [11, 26].includes(resultCode(error) ?? 0);

const digestOf = async (key: string, facts: string, bytes: Uint8Array): Promise<string> => {
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
