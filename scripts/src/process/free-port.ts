import { createServer } from 'node:net';

const HOST = '127.0.0.1';

const tryListen = (port: number): Promise<number | undefined> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: HOST, exclusive: true }, () => {
      const address = server.address();
      const taken = typeof address === 'object' && address !== null ? address.port : undefined;
      server.close(() => resolve(taken));
    });
  });

/** The wished-for port when it is free, else any free one. No port is given twice by one process. */
export const createPortPicker = (): ((wished?: number) => Promise<number>) => {
  const given = new Set<number>();
  return async (wished = 0) => {
    for (const candidate of [wished, ...Array<number>(20).fill(0)]) {
      const port = given.has(candidate) ? undefined : await tryListen(candidate);
      if (port !== undefined && !given.has(port)) {
        given.add(port);
        return port;
      }
    }
    throw new Error('no free port on 127.0.0.1');
  };
};
