import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { open, rename, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Ending of a file that is not whole yet. */
export const DRAFT_ENDING = '.part';

/**
 * Writes a file whole: to a name of its own, flushed to the disk, then moved into place.
 * @throws what the file system says; nothing is left then
 *
 * @example
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { syncFolder, writeWhole } from '@taleback/outbox';
 * await writeWhole(join(tmpdir(), 'taleback-example.txt'), 'kept');
 * await syncFolder(tmpdir());
 */
export const writeWhole = async (path: string, bytes: Uint8Array | string): Promise<void> => {
  const draft = `${path}.${randomUUID()}${DRAFT_ENDING}`;
  try {
    await writeFile(draft, bytes, { flag: 'wx', flush: true });
    await rename(draft, path);
  } catch (error) {
    await unlink(draft).catch(() => {});
    throw error;
  }
};

/**
 * Makes a folder and those above it. Node's own `recursive` never returns where nothing can be made, such as in /proc.
 *
 * @throws what the file system says
 *
 * @example
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { makeFolder } from '@taleback/outbox';
 * makeFolder(join(tmpdir(), 'taleback-example', 'a'));
 */
export const makeFolder = (path: string, mode = 0o777): void => {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && statSync(path).isDirectory()) return;
    const parent = dirname(path);
    if (code !== 'ENOENT' || existsSync(parent)) throw error;
    makeFolder(parent, mode);
    makeFolder(path, mode);
  }
};

/** Makes the names in a folder last. Windows cannot, and does not need it. @throws what the file system says */
export const syncFolder = async (folder: string): Promise<void> => {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** Writes a file whole and lasting: it survives a loss of power. @throws what the file system says */
export const writeDurably = async (path: string, bytes: Uint8Array | string): Promise<void> => {
  await writeWhole(path, bytes);
  await syncFolder(dirname(path));
};
