import { mkdir, rm } from 'node:fs/promises';
import { inRoot } from '../paths.ts';
import { type Stores, startStores } from './stores.ts';

const folder = inRoot('.taleback', `test-${process.pid}`);
let stores: Stores | undefined;

/** Vitest's global set-up for tests that need Google's emulators. */
export const setup = async (): Promise<void> => {
  await mkdir(folder, { recursive: true });
  stores = await startStores(folder);
};

/** Ends what the set-up started. */
export const teardown = async (): Promise<void> => {
  await stores?.stop();
  await rm(folder, { recursive: true, force: true });
};
