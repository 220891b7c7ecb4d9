import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Files of this ending were never finished. */
export const DRAFT = '.part';

/** Makes new names in a folder, and removals, last. Not every file system can; then nothing is gained or lost. */
const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r').catch(() => undefined);
  try {
    await handle?.sync();
  } catch {
    // Windows and some network file systems know no such thing.
  } finally {
    await handle?.close();
  }
};

/**
 * Writes a file whole: flushed to the disk under a name of its own, then moved into place, then the folder flushed. It
 * replaces one of the same name.
 *
 * @throws the error of the file system
 */
export const writeDurably = async (path: string, text: string): Promise<void> => {
  const draft = `${path}${DRAFT}`;
  try {
    const file = await open(draft, 'w');
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
};
