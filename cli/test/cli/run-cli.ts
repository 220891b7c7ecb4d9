import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';
import { runCli } from '../../src/run-cli.node.ts';

export interface CliRun {
  readonly code: number | null;
  readonly out: string;
  readonly outBytes: Buffer;
  readonly err: string;
}

export interface RunOptions {
  /** In place of the environment of the tests. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly cwd?: string;
}

const { PATH, NODE_COMPILE_CACHE } = process.env;
/** What every process of the command line inherits. */
export const BASE_ENV = { PATH, NODE_COMPILE_CACHE } as const;

/** Arguments for a Node that runs the command line from its sources. */
export const CLI_ARGS: readonly string[] = [
  '--conditions=@taleback/source',
  fileURLToPath(new URL('../../src/cli.ts', import.meta.url)),
];

/** Runs the command line to its end, as a process. */
export const runCommand = async (args: readonly string[], options: RunOptions = {}): Promise<CliRun> => {
  const child = spawn(process.execPath, [...CLI_ARGS, ...args], {
    env: { ...BASE_ENV, ...options.env },
    cwd: options.cwd,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  // A command that reads nothing may be gone before its input is.
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  const [code] = (await once(child, 'close')) as [number | null];
  const outBytes = Buffer.concat(out);
  return { code, outBytes, out: outBytes.toString('utf8'), err: Buffer.concat(err).toString('utf8') };
};

/** What is written to a stream from now on, in its place. */
const capture = (stream: NodeJS.WriteStream) => {
  const chunks: Buffer[] = [];
  const spy = vi.spyOn(stream, 'write').mockImplementation((chunk, ...rest) => {
    chunks.push(Buffer.from(chunk as string));
    for (const done of rest) if (typeof done === 'function') done();
    return true;
  });
  return { chunks, restore: () => spy.mockRestore() };
};

/**
 * Runs a command in this process, where its modules are loaded once: for all that needs neither standard input nor a
 * signal. One at a time, because environment, folder and output are the process's.
 */
export const runHere = async (
  args: readonly string[],
  options: Omit<RunOptions, 'input'> = {},
): Promise<CliRun> => {
  const { env, exitCode } = process;
  const folder = process.cwd();
  const [out, err] = [capture(process.stdout), capture(process.stderr)];
  process.env = { ...BASE_ENV, ...options.env };
  process.chdir(options.cwd ?? folder);
  try {
    const code = (await runCli(args)) ?? null;
    const outBytes = Buffer.concat(out.chunks);
    const errBytes = Buffer.concat(err.chunks);
    return { code, outBytes, out: outBytes.toString('utf8'), err: errBytes.toString('utf8') };
  } finally {
    out.restore();
    err.restore();
    process.chdir(folder);
    Object.assign(process, { env, exitCode });
  }
};
