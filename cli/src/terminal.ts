import { text } from 'node:stream/consumers';
import type { Terminal } from './cli-ports.ts';

/** Terminals are wider than people read. */
const MAX_WIDTH = 120;

/** The terminal of this process. Who closes the other end early, as `head` does, ends it quietly. */
export const processTerminal = (): Terminal => {
  const { stdin, stdout, stderr } = process;
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });
  return {
    out: (line) => void stdout.write(`${line}\n`),
    err: (words) => void stderr.write(words),
    writeOut: (bytes) =>
      new Promise((resolve, reject) => {
        stdout.write(bytes, (error) => {
          if (error) reject(error);
          else resolve();
        });
      }),
    readIn: () => text(stdin),
    isOutTty: stdout.isTTY,
    isErrTty: stderr.isTTY,
    isInTty: stdin.isTTY,
    width: stdout.isTTY ? Math.min(stdout.columns, MAX_WIDTH) : undefined,
    // It knows NO_COLOR and dumb terminals.
    colour: stdout.isTTY && stdout.hasColors(),
  };
};
