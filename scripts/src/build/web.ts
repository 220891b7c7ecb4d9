import { build } from 'vite';
import { inRoot } from '../paths.ts';

/** Builds the page into web/dist. */
export const buildWeb = async (): Promise<void> => {
  await build({ root: inRoot('web'), logLevel: 'warn' });
};
