import { spawn } from 'node:child_process';
import { inRoot } from '../paths.ts';

export interface ProgramEnd {
  /** 1 as well when a signal ended it or it could not be started. */
  readonly code: number;
  readonly output: string;
  /** SIGINT or SIGTERM came meanwhile. */
  readonly isInterrupted: boolean;
}

/** Runs a program to its end, in the project's folder. SIGINT and SIGTERM are passed on to it. */
export const runProgram = (
  [program = '', ...args]: readonly string[],
  {
    cwd = inRoot(),
    /** `tee` prints what it prints, too; `inherit` leaves the output to it. */
    output: mode = 'collect',
  }: { readonly cwd?: string; readonly output?: 'collect' | 'tee' | 'inherit' } = {},
): Promise<ProgramEnd> =>
  new Promise((resolve) => {
    const stdio = mode === 'inherit' ? 'inherit' : 'pipe';
    const child = spawn(program, args, { cwd, stdio: ['ignore', stdio, mode === 'tee' ? 'inherit' : stdio] });
    let isInterrupted = false;
    const pass = (signal: NodeJS.Signals): void => {
      isInterrupted = true;
      child.kill(signal);
    };
    process.on('SIGINT', pass).on('SIGTERM', pass);
    let output = '';
    const read = (chunk: Buffer): void => {
      output += chunk.toString('utf8');
      if (mode === 'tee') process.stdout.write(chunk);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.on('error', (error) => {
      output += error.message;
    });
    child.on('close', (code) => {
      process.off('SIGINT', pass).off('SIGTERM', pass);
      resolve({ code: code !== null && code >= 0 ? code : 1, output, isInterrupted });
    });
  });
