import { mkdir, rm } from 'node:fs/promises';
import { inRoot } from '../src/paths.ts';
import { startStores } from '../src/emulators/stores.ts';

/** Vitest's global set-up for tests that need Google's emulators. @returns what ends them */
export const setup = async (): Promise<() => Promise<void>> => {
  const folder = inRoot('.taleback', `test-${process.pid}`);
  await mkdir(folder, { recursive: true });
  const stores = await startStores(folder);
  return async () => {
    await stores.stop();
    await rm(folder, { recursive: true, force: true });
  };
};
