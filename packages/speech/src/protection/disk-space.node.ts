import { statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** Room of a file system for us. */
export interface DiskSpace {
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** Files that can still be made; absent where they are not counted. */
  readonly freeFiles?: number | undefined;
}

const isMissing = (error: unknown): boolean => (error as { code?: unknown }).code === 'ENOENT';

/**
 * Room where a folder lies, or where it would be made. @throws what the file system says
 *
 * @example
 * const { freeBytes } = await readDiskSpace('.');
 */
export const readDiskSpace = async (folder: string): Promise<DiskSpace> => {
  const path = resolve(folder);
  try {
    const { bavail, blocks, bsize, files, ffree } = await statfs(path);
    // Some file systems count no files.
    const freeFiles = files === 0 ? undefined : ffree;
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize, freeFiles };
  } catch (error) {
    const parent = dirname(path);
    if (!isMissing(error) || parent === path) throw error;
    return readDiskSpace(parent);
  }
};
