import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Reads a small text file by its absolute path; undefined when that does not work, whatever the reason. */
export type ReadText = (path: string) => Promise<string | undefined>;

/** Reads below `root`, as if it were the root of the file system. */
export const readTextBelow =
  (root: string): ReadText =>
  async (path) => {
    try {
      return await readFile(join(root, path), 'utf8');
    } catch {
      return undefined;
    }
  };
