import { rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { inRoot } from '../paths.ts';

/** Where everything of a running stack is found; all of it on loopback. */
export interface StackAddresses {
  readonly projectId: string;
  readonly region: string;
  /** The page, and the receiver below `/api/tts/`. */
  readonly pageUrl: string;
  readonly callbackUrl: string;
  readonly authHost: string;
  readonly firestoreHost: string;
  readonly functionsHost: string;
  readonly pubsubHost: string;
  readonly workerHealthUrl: string;
}

export const hostAndPort = (address: string): { readonly host: string; readonly port: number } => {
  const { hostname, port } = new URL(`http://${address}`);
  return { host: hostname, port: Number(port) };
};

/** The page's `/taleback.config.json` for a local stack. */
export const pageConfig = (addresses: StackAddresses): object => ({
  firebase: {
    projectId: addresses.projectId,
    apiKey: 'emulator',
    authDomain: 'localhost',
    appId: 'emulator',
  },
  region: addresses.region,
  emulators: {
    auth: `http://${addresses.authHost}`,
    firestore: hostAndPort(addresses.firestoreHost),
    functions: hostAndPort(addresses.functionsHost),
  },
});

/** What other scripts need to talk to the stack that `npm start` runs. */
export interface AnnouncedStack {
  readonly pageUrl: string;
  readonly callbackUrl: string;
  /** What callbacks are signed with. */
  readonly secret: string;
  /** What requests of servers are signed with: `taleback narrate --secret`. */
  readonly generateSecret: string;
}

const FILE = inRoot('.taleback', 'stack.json');

/** Writes down where the stack is, for its user only; it is removed when this process ends. */
export const announceStack = async (stack: AnnouncedStack): Promise<void> => {
  await writeFile(FILE, JSON.stringify(stack), { mode: 0o600 });
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
