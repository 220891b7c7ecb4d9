import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Log } from '@taleback/core';
import { isLoopback } from '@taleback/outbox';
import { deleteApp, initializeApp } from 'firebase-admin/app';
import { getFirestore } from 'firebase-admin/firestore';
import { parseConfig } from './config.ts';
import { nodeEdge, refuseConnect } from './http/edge.node.ts';
import { openParts } from './wiring.ts';

export interface ServeOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly log: Log;
}

export interface ServedReceiver {
  readonly port: number;
  /** Answers what has been accepted, and accepts nothing more. */
  readonly close: () => Promise<void>;
}

/**
 * Serves `/api/tts/**` on Node's own server, without Cloud Functions.
 * @throws Error that names every variable at fault
 */
export const serveReceiver = async ({
  environment,
  host,
  port,
  log,
}: ServeOptions): Promise<ServedReceiver> => {
  const config = parseConfig(environment);
  const app = initializeApp();
  const { receiver, trustedProxyHops } = openParts(config, getFirestore(app), log).receiver();
  // Reached beside loopback as its own address says, such as through a tunnel.
  const names = [new URL(config.callbackUrl).hostname];
  const local = isLoopback(host) ? { host, names } : undefined;
  const server = createServer(nodeEdge(receiver, { trustedProxyHops, local })).on('connect', refuseConnect);
  server.listen(port, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.close();
      server.closeIdleConnections();
      await once(server, 'close');
      await deleteApp(app);
    },
  };
};
