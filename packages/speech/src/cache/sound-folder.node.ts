import { createHash, randomUUID } from 'node:crypto';
import * as fs from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';

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
