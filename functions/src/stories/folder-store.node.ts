import { readdir, readFile, rm } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { writePrivate } from '@taleback/outbox';
import type { ObjectStore } from './recordings.ts';

const unlessMissing = async <T>(work: Promise<T>): Promise<T | undefined> => {
  try {
    return await work;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};

/** A folder of this machine, whose files only this user may read. Keys are ours: they lead nowhere else. */
export const createFolderStore = (folder: string): ObjectStore => ({
  write: (key, bytes) => writePrivate(join(folder, key), bytes),
  read: (key) => unlessMissing(readFile(join(folder, key))),
  list: async (prefix) => {
    const options = { recursive: true, withFileTypes: true } as const;
    const entries = (await unlessMissing(readdir(join(folder, prefix), options))) ?? [];
    return entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => relative(folder, join(parentPath, name)).split(sep).join('/'));
  },
  remove: (key) => rm(join(folder, key), { force: true }),
});
