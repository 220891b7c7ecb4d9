import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

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

/** Arguments for a Node that runs the command line from its sources. */
export const CLI_ARGS: readonly string[] = [
  '--conditions=@taleback/source',
  fileURLToPath(new URL('../../src/cli.ts', import.meta.url)),
];

/** Runs the command line to its end. */
export const runCommand = async (args: readonly string[], options: RunOptions = {}): Promise<CliRun> => {
  const child = spawn(process.execPath, [...CLI_ARGS, ...args], {
    env: { PATH: process.env['PATH'], ...options.env },
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
