import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs/promises';
import { dirname } from 'node:path';

/** The file system as far as a lasting write needs it. */
export type WriteFs = Pick<typeof fs, 'open' | 'rename' | 'unlink'>;

/** Ending of a file that is not whole yet. */
export const DRAFT_ENDING = '.part';

/**
 * Writes a file whole: to a name of its own, flushed to the disk, then moved into place.
 * @throws what the file system says; nothing is left then
 */
export const writeWhole = async (path: string, bytes: Uint8Array, io: WriteFs = fs): Promise<void> => {
  const draft = `${path}.${randomUUID()}${DRAFT_ENDING}`;
  try {
    const file = await io.open(draft, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await io.rename(draft, path);
  } catch (error) {
    await io.unlink(draft).catch(() => {});
    throw error;
  }
};

/** Makes the names in a folder last. Windows cannot, and does not need it. @throws what the file system says */
export const syncFolder = async (folder: string, io: Pick<typeof fs, 'open'> = fs): Promise<void> => {
  if (process.platform === 'win32') return;
  const handle = await io.open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** Writes a file whole and lasting: it survives a loss of power. @throws what the file system says */
export const writeDurably = async (path: string, text: string): Promise<void> => {
  await writeWhole(path, Buffer.from(text));
  await syncFolder(dirname(path));
};
