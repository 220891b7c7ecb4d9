/** Writes to the true standard output. */
export interface ProtocolOutput {
  /** A line, its end included, and after it raw bytes and their end. */
  readonly write: (line: string, raw?: Uint8Array) => void;
  /** Calls back when all of it has left the process, which may be long after: the reader sets the pace. */
  readonly flush: (done: () => void) => void;
}

const LINE_END = Buffer.from('\n');
/** Below it one copy costs less than three parts. */
const MOST_COPIED_BYTES = 16_384;

/**
 * Keeps standard output for the protocol: whatever else this process prints goes to standard error. An output that
 * nobody reads any more ends the process.
 */
export const ownStdout = (): ProtocolOutput => {
  const { stdout, stderr } = process;
  const write = stdout.write.bind(stdout) as (chunk: string | Uint8Array, done?: () => void) => boolean;
  stdout.write = stderr.write.bind(stderr);
  stdout.on('error', () => process.exit(0));
  return {
    write: (line, raw) => {
      if (raw === undefined) {
        write(line);
        return;
      }
      if (raw.length <= MOST_COPIED_BYTES) {
        write(Buffer.concat([Buffer.from(line), raw, LINE_END]));
        return;
      }
      stdout.cork();
      write(Buffer.from(line));
      write(raw);
      write(LINE_END);
      stdout.uncork();
    },
    flush: (done) => void write('', done),
  };
};
