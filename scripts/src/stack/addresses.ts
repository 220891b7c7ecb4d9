import { createNames } from '@taleback/core';
import type { FirebasePorts } from '../emulators/index.ts';

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
  /** Health and metrics of the worker. */
  readonly workerHealthUrl: string;
}

export const addressesOf = (
  projectId: string,
  ports: FirebasePorts & { readonly health: number },
  running: { readonly firestore: string | undefined; readonly pubsub: string | undefined },
): StackAddresses => ({
  projectId,
  region: createNames().region,
  pageUrl: `http://127.0.0.1:${ports.hosting}`,
  callbackUrl: `http://127.0.0.1:${ports.hosting}/api/tts/callback`,
  authHost: `127.0.0.1:${ports.auth}`,
  firestoreHost: running.firestore ?? `127.0.0.1:${ports.firestore}`,
  functionsHost: `127.0.0.1:${ports.functions}`,
  pubsubHost: running.pubsub ?? `127.0.0.1:${ports.pubsub}`,
  workerHealthUrl: `http://127.0.0.1:${ports.health}`,
});

const hostAndPort = (address: string): { host: string; port: number } => {
  const url = new URL(`http://${address}`);
  return { host: url.hostname, port: Number(url.port) };
};

/** What the page is told of a local stack, in `/taleback.config.json`. */
export const pageConfig = (addresses: StackAddresses): unknown => ({
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
