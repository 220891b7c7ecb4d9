import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';

/** The two ends of a child process, as the protocol needs them. */
export interface ChildTransport {
  readonly pid: number | undefined;
  /** Writes one line, its end included. Never throws: `onEnd` reports a child that is gone. */
  write(line: string): void;
  closeInput(): void;
  kill(): void;
}

export interface ChildTransportEvents {
  readonly onChunk: (chunk: Buffer) => void;
  /** It is gone and everything it wrote was passed on. Once. */
  readonly onEnd: (cause: string) => void;
}

export type OpenTransport = (events: ChildTransportEvents) => ChildTransport;

export interface ChildCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** All of its environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** A line of its standard error. */
  readonly onLog: (line: string) => void;
}

/** How long output may still come after the exit: a process that the child started may hold the pipe open. */
const LAST_OUTPUT_MS = 500;
/** A longer line of the log is passed on in pieces. */
const MAX_LOG_LINE_CHARACTERS = 8_192;

/** Starts a child in a process group of its own: ^C reaches it through us, its end takes along what it has started. */
export const spawnChild =
  ({ command, args, env, onLog }: ChildCommand): OpenTransport =>
  ({ onChunk, onEnd }) => {
    const child = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    const { pid } = child;
    // There are none when this process has no file descriptors left.
    const { stdin, stdout, stderr }: Partial<Pick<typeof child, 'stdin' | 'stdout' | 'stderr'>> = child;
    let isOver = false;
    let cause = 'ended';
    const end = (): void => {
      if (isOver) return;
      isOver = true;
      for (const stream of [stdin, stdout, stderr]) stream?.destroy();
      onEnd(cause);
    };
    child.on('error', (error) => {
      if (pid !== undefined) return;
      cause = error.message;
      end();
    });
    child.on('exit', (code, signal) => {
      cause = signal === null ? `exit code ${String(code)}` : `signal ${signal}`;
      killGroup(child);
      setTimeout(end, LAST_OUTPUT_MS).unref();
    });
    child.on('close', end);
    // Writing to a child that is gone is not an error: `exit` reports its end.
    for (const stream of [stdin, stdout]) stream?.on('error', () => {});
    stdout?.on('data', (chunk: Buffer) => {
      if (!isOver) onChunk(chunk);
    });
    if (stderr) passOnLines(stderr, onLog);
    return {
      pid,
      write: (line) => {
        if (!isOver) stdin?.write(line);
      },
      closeInput: () => stdin?.end(),
      kill: () => {
        if (child.exitCode === null && child.signalCode === null) killGroup(child);
      },
    };
  };

const killGroup = (child: ChildProcess): void => {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // No group is left, or this system has none.
    child.kill('SIGKILL');
  }
};

/** Lines as a log needs them: a progress bar has many, an empty one says nothing. */
const passOnLines = (stream: Readable, onLine: (line: string) => void): void => {
  let rest = '';
  const pass = (line: string): void => {
    for (let start = 0; start < line.length; start += MAX_LOG_LINE_CHARACTERS) {
      onLine(line.slice(start, start + MAX_LOG_LINE_CHARACTERS));
    }
  };
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const lines = `${rest}${text}`.split(/[\r\n]+/);
    rest = lines.pop() ?? '';
    for (const line of lines) pass(line);
    if (rest.length < MAX_LOG_LINE_CHARACTERS) return;
    pass(rest);
    rest = '';
  });
  stream.on('close', () => pass(rest));
};
