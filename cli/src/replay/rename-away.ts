import { mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Folder, within the one that a letter lies in, for letters that were accepted. */
export const REPLAYED = 'replayed';

/** Moves a file, and the reason beside it, out of the way of the next replay. */
export const renameAway = async (root: string, file: string): Promise<void> => {
  const target = join(root, REPLAYED, file);
  await mkdir(dirname(target), { recursive: true });
  await rename(join(root, file), target);
  await rename(join(root, `${file}.reason.txt`), `${target}.reason.txt`).catch(() => {});
};
