import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import type { Certificate } from './certificates.ts';

export interface TestServer {
  readonly port: number;
  /** Connections that are open now. */
  readonly open: () => number;
  /** Connections that were ever made. */
  readonly seen: () => number;
  /** Resolves when the last connection has gone. */
  readonly idle: () => Promise<void>;
  readonly close: () => Promise<void>;
}

const listen = async (server: Server): Promise<TestServer> => {
  const sockets = new Set<Socket>();
  let seen = 0;
  const waiting = new Set<() => void>();
  server.on('connection', (socket: Socket) => {
    seen += 1;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      sockets.delete(socket);
      if (sockets.size === 0) for (const tell of waiting) tell();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    open: () => sockets.size,
    seen: () => seen,
    idle: () =>
      new Promise((resolve) => {
        if (sockets.size === 0) resolve();
        else waiting.add(resolve);
      }),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};

export const openHttp = (answer: RequestListener): Promise<TestServer> => listen(createHttpServer(answer));

export const openHttps = (certificate: Certificate, answer: RequestListener): Promise<TestServer> =>
  listen(createHttpsServer({ ...certificate }, answer));

/** Takes connections, reads, and says nothing; what it does at once can be said. */
export const openSilent = (onConnection: (socket: Socket) => void = () => {}): Promise<TestServer> =>
  listen(
    createTcpServer((socket) => {
      socket.resume();
      onConnection(socket);
    }),
  );

/** A port that nobody listens on. */
export const closedPort = async (): Promise<number> => {
  const server = await openSilent();
  await server.close();
  return server.port;
};
