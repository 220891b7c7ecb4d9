import { createServer } from 'node:net';

const HOST = '127.0.0.1';
/**
 * Where ports are looked for: below the range that outgoing connections take theirs from (32768 and up on Linux), for
 * one of those may take a port between our looking and the emulator's listening, which can be many seconds.
 */
const FIRST_PORT = 15_000;
const LAST_PORT = 31_999;
const TRIES = 50;

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: HOST, exclusive: true }, () => server.close(() => resolve(true)));
  });

/** The wished-for port when it is free, else any free one. No port is given twice by one process. */
export const createPortPicker = (): ((wished?: number) => Promise<number>) => {
  const given = new Set<number>();
  return async (wished) => {
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const any = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT + 1));
      const port = attempt === 1 ? (wished ?? any) : any;
      if (given.has(port) || !(await isFree(port))) continue;
      given.add(port);
      return port;
    }
    throw new Error(`no free port on ${HOST} in ${TRIES} tries`);
  };
};
