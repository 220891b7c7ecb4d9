import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { CacheFolder, FoundEntry } from './index.ts';
import { DRAFT_ENDING } from '@taleback/outbox/src/write-whole.node.ts';

/** The file system as far as a cache needs it. */
export type CacheFs = Pick<typeof fs, 'open' | 'rename' | 'unlink' | 'mkdir' | 'readdir' | 'stat' | 'utimes'>;

/** Entries that are looked at together: more would take the threads of the file system from everybody else. */
const BATCH = 64;
/** People may remove the folders of a cache while it is written to. */
const MAX_WRITES = 3;
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

const SHELF = /^[0-9a-f]{2}$/;
const ENTRY = /^[0-9a-f]{64}$/;

const isMissing = (error: unknown): boolean => {
  const code = (error as { code?: unknown } | null)?.code;
  return code === 'ENOENT' || code === 'ENOTDIR';
};

const unlessMissing = async <Value>(work: Promise<Value>): Promise<Value | undefined> => {
  try {
    return await work;
  } catch (error) {
    if (!isMissing(error)) throw error;
    return undefined;
  }
};

/**
 * A cache in a folder: `{first two digits}/{name}`. Only its owner can read what is in it. The time of a file's last
 * change is when it was written; that of its last access, when it was last used.
 *
 * Nothing is flushed to the disk: an entry survives the death of the process, and one that a loss of power tore is known
 * by its hash.
 *
 * @param io stands in for the file system in tests
 */
export const createFolderCache = (folder: string, io: CacheFs = fs): CacheFolder => {
  const root = resolve(folder);
  const pathOf = (name: string): string => join(root, name.slice(0, 2), name);

  const makeRoot = async (): Promise<void> => {
    // What lies above is not ours to close.
    await io.mkdir(dirname(root), { recursive: true });
    await io.mkdir(root, { recursive: true, mode: FOLDER_MODE });
  };

  const writeDraft = async (path: string, parts: readonly Uint8Array[], atMs: number): Promise<void> => {
    const draft = `${path}.${randomUUID()}${DRAFT_ENDING}`;
    try {
      const file = await io.open(draft, 'wx', FILE_MODE);
      try {
        for (const part of parts) await file.writeFile(part);
        await file.utimes(new Date(atMs), new Date(atMs));
      } finally {
        await file.close();
      }
      await io.rename(draft, path);
    } catch (error) {
      await io.unlink(draft).catch(() => {});
      throw error;
    }
  };

  const look = async (name: string): Promise<FoundEntry | undefined> => {
    const facts = await unlessMissing(io.stat(pathOf(name)));
    if (facts === undefined || !facts.isFile()) return undefined;
    return {
      name,
      sizeBytes: facts.size,
      writtenAtMs: Math.round(facts.mtimeMs),
      usedAtMs: Math.round(facts.atimeMs),
    };
  };

  const sweepDraft = async (path: string, beforeMs: number): Promise<void> => {
    const facts = await unlessMissing(io.stat(path));
    if (facts !== undefined && facts.mtimeMs < beforeMs) await unlessMissing(io.unlink(path));
  };

  return {
    prepare: makeRoot,

    async *scan(draftsBeforeMs) {
      for (const shelf of (await unlessMissing(io.readdir(root))) ?? []) {
        if (!SHELF.test(shelf)) continue;
        const files = (await unlessMissing(io.readdir(join(root, shelf)))) ?? [];
        for (const file of files) {
          if (file.endsWith(DRAFT_ENDING)) await sweepDraft(join(root, shelf, file), draftsBeforeMs);
        }
        const names = files.filter((file) => ENTRY.test(file) && file.startsWith(shelf));
        for (let start = 0; start < names.length; start += BATCH) {
          const found = await Promise.all(names.slice(start, start + BATCH).map(look));
          yield found.filter((entry) => entry !== undefined);
        }
      }
    },

    read: async (name, maxBytes) => {
      const file = await unlessMissing(io.open(pathOf(name), 'r'));
      if (file === undefined) return 'missing';
      try {
        const { size } = await file.stat();
        if (size > maxBytes) return 'oversized';
        const bytes = new Uint8Array(size);
        let filled = 0;
        while (filled < size) {
          const { bytesRead } = await file.read(bytes, filled, size - filled, filled);
          if (bytesRead === 0) break;
          filled += bytesRead;
        }
        return bytes.subarray(0, filled);
      } finally {
        await file.close();
      }
    },

    write: async (name, parts, atMs) => {
      const path = pathOf(name);
      for (let tries = 1; ; tries += 1) {
        try {
          await writeDraft(path, parts, atMs);
          return;
        } catch (error) {
          if (!isMissing(error) || tries >= MAX_WRITES) throw error;
          await makeRoot();
          await io.mkdir(dirname(path), { recursive: true, mode: FOLDER_MODE });
        }
      }
    },

    touch: async (name, { writtenAtMs, usedAtMs }) => {
      await unlessMissing(io.utimes(pathOf(name), new Date(usedAtMs), new Date(writtenAtMs)));
    },

    remove: async (name) => {
      await unlessMissing(io.unlink(pathOf(name)));
    },
  };
};
