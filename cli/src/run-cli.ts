import { CommanderError } from 'commander';
import type { CliPorts } from './cli-ports.ts';
import { type ExitCode, exitCodeOf, StoryGoesOn, sentenceOf } from './exit-code.ts';
import { createProgram } from './program.ts';

/** What became of a command line: an exit code, or a worker that goes on running and ends the process itself. */
export type CliEnd = { readonly kind: 'ended'; readonly code: ExitCode } | { readonly kind: 'running' };

const ended = (code: ExitCode): CliEnd => ({ kind: 'ended', code });

/**
 * Runs one command line. It never rejects.
 *
 * @param words without the program's own name
 */
export const runCli = async (words: readonly string[], ports: CliPorts, version: string): Promise<CliEnd> => {
  let isRunning = false;
  const program = createProgram(
    {
      ...ports,
      runWorker: async (restart) => {
        await ports.runWorker(restart);
        isRunning = true;
      },
    },
    version,
  );
  try {
    await program.parseAsync([...words], { from: 'user' });
    return isRunning ? { kind: 'running' } : ended(process.exitCode === undefined ? 0 : 1);
  } catch (error) {
    // Help and versions are told this way too; what is wrong was said already.
    if (error instanceof CommanderError) return ended(error.exitCode === 0 ? 0 : 2);
    ports.terminal.err(`taleback: ${sentenceOf(error)}\n`);
    if (error instanceof StoryGoesOn) for (const hint of error.hints) ports.terminal.err(`  ${hint}\n`);
    return ended(exitCodeOf(error));
  }
};
