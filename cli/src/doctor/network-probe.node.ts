import { promises as dns } from 'node:dns';
import { createConnection, type Socket } from 'node:net';
import type { NetworkProbe, ProbeConnection } from '@taleback/speech/src/diagnosis/index.ts';
import { handshake } from './tls-handshake.node.ts';

/** A name may stand for dozens of machines; asking some of them is enough. */
const MAX_ADDRESSES = 4;

/** Settles with the socket's first connect or error; a signal destroys it. */
const opened = (socket: Socket, signal: AbortSignal): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const stop = (): void => {
      socket.destroy();
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', stop, { once: true });
    socket.once('connect', () => {
      signal.removeEventListener('abort', stop);
      resolve(socket);
    });
    socket.once('error', (error) => {
      signal.removeEventListener('abort', stop);
      reject(error);
    });
    if (signal.aborted) stop();
  });

/** A refusal says more than a missing route: somebody was there. */
const tellingError = (error: unknown): unknown => {
  if (!(error instanceof AggregateError)) return error;
  const errors = error.errors as NodeJS.ErrnoException[];
  return errors.find(({ code }) => code === 'ECONNREFUSED') ?? errors[0] ?? error;
};

export interface NetworkProbeOptions {
  /** Certificates (PEM) of authorities that are trusted, in place of those that Node trusts. */
  readonly authorities?: readonly string[] | undefined;
}

const connectionOf = (
  socket: Socket,
  address: string,
  { authorities }: NetworkProbeOptions,
): ProbeConnection => {
  // Without a listener a reset after the connect would be an exception that nobody catches.
  socket.on('error', () => {});
  return {
    address,
    handshake: (host, signal) => handshake(socket, host, signal, authorities),
    close: () => void socket.destroy(),
  };
};

/** The network of this machine. */
export const createNetworkProbe = (options: NetworkProbeOptions = {}): NetworkProbe => ({
  resolve: async (name, signal) => {
    signal.throwIfAborted();
    const found = await dns.lookup(name, { all: true });
    return found.map(({ address }) => address);
  },
  connect: async (addresses, port, signal) => {
    const sockets = addresses.slice(0, MAX_ADDRESSES).map((host) => ({
      host,
      socket: createConnection({ host, port }),
    }));
    try {
      const first = await Promise.any(
        sockets.map(async ({ host, socket }) => {
          await opened(socket, signal);
          return { host, socket };
        }),
      );
      for (const { socket } of sockets) if (socket !== first.socket) socket.destroy();
      return connectionOf(first.socket, first.host, options);
    } catch (error) {
      for (const { socket } of sockets) socket.destroy();
      throw tellingError(error);
    }
  },
});
