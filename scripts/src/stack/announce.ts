import { rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { inRoot } from '../paths.ts';
import type { Stack } from './stack.ts';

/** What other scripts need to talk to the stack that `npm start` runs. */
export interface AnnouncedStack {
  readonly pageUrl: string;
  readonly callbackUrl: string;
  readonly secret: string;
}

const FILE = inRoot('.taleback', 'stack.json');

/** Writes down where the stack is, for its user only; it is taken back when this process ends. */
export const announceStack = async ({ addresses, secret }: Stack): Promise<void> => {
  const { pageUrl, callbackUrl } = addresses;
  await writeFile(FILE, JSON.stringify({ pageUrl, callbackUrl, secret }), { mode: 0o600 });
  process.once('exit', () => rmSync(FILE, { force: true }));
};

/** The stack that runs on this machine, if one was announced. */
export const findStack = async (): Promise<AnnouncedStack | undefined> => {
  try {
    return JSON.parse(await readFile(FILE, 'utf8')) as AnnouncedStack;
  } catch {
    return undefined;
  }
};
