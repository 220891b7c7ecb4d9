import { text } from 'node:stream/consumers';

/** Terminals are wider than people read. */
const MAX_WIDTH = 120;
const { stdin, stdout, stderr } = process;

/** The standard streams of this process. */
export const terminal = {
  out: (line: string): void => void stdout.write(`${line}\n`),
  err: (words: string): void => void stderr.write(words),
  /** Resolves when the bytes have left the process. */
  writeOut: (bytes: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => {
      stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
    }),
  readIn: (): Promise<string> => text(stdin),
  /** Writes to standard error where a person watches it; undefined for a file or a pipe. */
  live: stderr.isTTY ? (words: string): void => void stderr.write(words) : undefined,
  isInTty: stdin.isTTY,
  /** Columns of a terminal; undefined for a file or a pipe. */
  width: stdout.isTTY ? Math.min(stdout.columns, MAX_WIDTH) : undefined,
  /** Node knows NO_COLOR and dumb terminals. */
  colour: stdout.isTTY && stdout.hasColors(),
};

const CELLS = 30;
const CLEAR_LINE = '\r\u001B[2K';

/**
 * A bar on one line of a terminal.
 *
 * @param write undefined where there is no terminal: then nothing is shown
 */
export const createProgressBar = (label: string, write: ((text: string) => void) | undefined) => {
  let shown = '';
  return {
    /** @param fraction 0 to 1 */
    show: (fraction: number): void => {
      if (write === undefined) return;
      const share = Math.min(1, Math.max(0, fraction));
      const full = Math.round(share * CELLS);
      const percent = String(Math.floor(share * 100)).padStart(3);
      const bar = `${label} [${'#'.repeat(full)}${'.'.repeat(CELLS - full)}] ${percent} %`;
      if (bar === shown) return;
      shown = bar;
      write(`${CLEAR_LINE}${bar}`);
    },
    /** Takes the bar off the line. Safe to call again. */
    clear: (): void => {
      if (write === undefined || shown === '') return;
      shown = '';
      write(CLEAR_LINE);
    },
  };
};
