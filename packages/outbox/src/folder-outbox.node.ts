import * as fs from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { OutboxFiles } from './index.ts';
import { DRAFT_ENDING, syncFolder, type WriteFs, writeWhole } from './write-whole.node.ts';

/** The file system as far as an outbox needs it. */
export type OutboxFs = WriteFs & Pick<typeof fs, 'mkdir' | 'readdir' | 'readFile' | 'stat' | 'writeFile'>;

const SET_ASIDE = 'set-aside';
/** A sweep may take a draft from a writer in another process, and people whole folders; the second draft stays. */
const MAX_WRITES = 3;

const isMissing = (error: unknown): boolean => (error as { code?: unknown } | null)?.code === 'ENOENT';

const unlessMissing = async (work: Promise<unknown>): Promise<void> => {
  try {
    await work;
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
};

/**
 * An outbox in a folder.
 *
 * @param io stands in for the file system in tests
 */
export const createFolderOutbox = (folder: string, io: OutboxFs = fs): OutboxFiles => {
  const root = resolve(folder);
  const pathOf = (file: string): string => join(root, file);

  const write = async (file: string, bytes: Uint8Array): Promise<void> => {
    for (let tries = 1; ; tries += 1) {
      try {
        await writeWhole(pathOf(file), bytes, io);
        break;
      } catch (error) {
        if (!isMissing(error) || tries >= MAX_WRITES) throw error;
        await io.mkdir(root, { recursive: true });
      }
    }
    await syncFolder(root, io);
  };

  return {
    prepare: async () => {
      const made = await io.mkdir(join(root, SET_ASIDE), { recursive: true });
      if (made === undefined) return;
      await syncFolder(root, io);
      await syncFolder(dirname(root), io);
    },
    sweep: async () => {
      for (const file of await io.readdir(root)) {
        if (file.endsWith(DRAFT_ENDING)) await unlessMissing(io.unlink(pathOf(file)));
      }
    },
    list: async () => {
      const entries = await io.readdir(root, { withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile())
        .map(({ name }) => name)
        .filter((name) => !name.startsWith('.') && !name.endsWith(DRAFT_ENDING));
    },
    write,
    read: async (file, maxBytes) => {
      try {
        const { size } = await io.stat(pathOf(file));
        if (size > maxBytes) throw new RangeError(`${size} bytes are over ${maxBytes}`);
        return await io.readFile(pathOf(file));
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    },
    remove: (file) => unlessMissing(io.unlink(pathOf(file))),
    setAside: async (file, reason) => {
      const aside = join(root, SET_ASIDE);
      await io.mkdir(aside, { recursive: true });
      // Without room for the reason the file is still moved: the log has the reason too.
      await io.writeFile(join(aside, `${file}.reason.txt`), `${reason}\n`).catch(() => {});
      await unlessMissing(io.rename(pathOf(file), join(aside, file)));
      await syncFolder(aside, io);
      await syncFolder(root, io);
    },
  };
};
