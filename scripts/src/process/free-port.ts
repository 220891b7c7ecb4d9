import { createServer } from 'node:net';

const HOST = '127.0.0.1';

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: HOST, exclusive: true }, () => server.close(() => resolve(true)));
  });

/**
 * Where ports are looked for: below the range that outgoing connections take theirs from (32768 and up on Linux), for
 * one of those may take a port between our looking and the emulator's listening, which can be many seconds.
 */
const FIRST_PORT = 15_000;
const LAST_PORT = 31_999;
const TRIES = 50;

const anyPort = (random: () => number): number =>
  FIRST_PORT + Math.floor(random() * (LAST_PORT - FIRST_PORT + 1));

/** The wished-for port when it is free, else any free one. No port is given twice by one process. */
export const createPortPicker = (
  random: () => number = Math.random,
): ((wished?: number) => Promise<number>) => {
  const given = new Set<number>();
  return async (wished) => {
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const candidate = attempt === 1 && wished ? wished : anyPort(random);
      if (given.has(candidate) || !(await isFree(candidate))) continue;
      given.add(candidate);
      return candidate;
    }
    throw new Error(`no free port on ${HOST} in ${TRIES} tries`);
  };
};
