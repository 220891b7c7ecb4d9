import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { chmod, open, readdir, rename, rm, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

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
export const writeWhole = async (path: string, bytes: Uint8Array | string, mode = 0o666): Promise<void> => {
  const draft = `${path}.${randomUUID()}${DRAFT_ENDING}`;
  try {
    await writeFile(draft, bytes, { flag: 'wx', flush: true, mode });
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

/** For this user only. */
const PRIVATE_FOLDER_MODE = 0o700;
const PRIVATE_FILE_MODE = 0o600;
const OTHERS = 0o077;

/** Takes the permissions of others away. What belongs to another user, and Windows, have none that we could change. */
const close = (path: string, mode: number): void => {
  try {
    if ((statSync(path).mode & OTHERS) !== 0) chmodSync(path, mode);
  } catch {
    // It is gone, or another user's.
  }
};

/**
 * Makes a folder that only this user may enter. One of an earlier version is closed, with the files in it.
 *
 * @throws what the file system says
 *
 * @example
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { makePrivateFolder } from '@taleback/outbox';
 * makePrivateFolder(join(tmpdir(), 'taleback-example', 'private'));
 */
export const makePrivateFolder = (path: string): void => {
  makeFolder(path, PRIVATE_FOLDER_MODE);
  if ((statSync(path).mode & OTHERS) === 0) return;
  for (const entry of readdirSync(path, { withFileTypes: true }))
    if (entry.isFile()) close(join(path, entry.name), PRIVATE_FILE_MODE);
  close(path, PRIVATE_FOLDER_MODE);
};

/**
 * Writes a file that only this user may read, whole and lasting: it survives a loss of power.
 *
 * @throws what the file system says
 *
 * @example
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { writePrivate } from '@taleback/outbox';
 * await writePrivate(join(tmpdir(), 'taleback-example', 'private', 'a.txt'), 'kept');
 */
export const writePrivate = async (path: string, bytes: Uint8Array | string): Promise<void> => {
  makePrivateFolder(dirname(path));
  await writeWhole(path, bytes, PRIVATE_FILE_MODE);
  await syncFolder(dirname(path));
};

/**
 * Moves a file into a private folder, where its life begins now.
 *
 * @throws what the file system says
 *
 * @example
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { movePrivate, writePrivate } from '@taleback/outbox';
 * const folder = join(tmpdir(), 'taleback-example');
 * await writePrivate(join(folder, 'b.txt'), 'kept');
 * await movePrivate(join(folder, 'b.txt'), join(folder, 'set-aside', 'b.txt'));
 */
export const movePrivate = async (path: string, target: string): Promise<void> => {
  makePrivateFolder(dirname(target));
  await rename(path, target);
  await chmod(target, PRIVATE_FILE_MODE);
  await utimes(target, new Date(), new Date());
};

/** Folders in an outbox for what a person has to look at; the last two are those of version 0.1's RunPod worker. */
const ASIDE = /^(?:set-aside|damaged-.*|unreadable|refused)$/;
/** As long as other records: time enough for a person to look at it. */
const ASIDE_LIFETIME_MS = 30 * 86_400_000;

/**
 * Removes what was set aside in an outbox folder and is 30 days old, and closes what is younger to other users.
 *
 * @throws what the file system says
 *
 * @example
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { removeOldAside } from '@taleback/outbox';
 * await removeOldAside(join(tmpdir(), 'taleback-example'), Date.now());
 */
export const removeOldAside = async (folder: string, nowMs: number): Promise<void> => {
  const entries = existsSync(folder) ? await readdir(folder, { withFileTypes: true }) : [];
  for (const { name } of entries.filter((entry) => entry.isDirectory() && ASIDE.test(entry.name))) {
    const aside = join(folder, name);
    makePrivateFolder(aside);
    for (const entry of await readdir(aside, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile() && (await stat(path)).mtimeMs < nowMs - ASIDE_LIFETIME_MS)
        await rm(path, { force: true });
    }
  }
};
