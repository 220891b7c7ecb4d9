import { stat } from 'node:fs/promises';
import { UsageError } from '../exit-code.ts';

/** @throws UsageError that names the variable when there is no such folder */
export const checkFolder = async (name: string, folder: string): Promise<void> => {
  const isFolder = await stat(folder).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
  if (!isFolder) throw new UsageError(`${name}: there is no folder ${folder}`);
};
