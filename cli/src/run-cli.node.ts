import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { addBatchCommand } from './commands/batch.node.ts';
import { addBreakerCommand } from './commands/breaker.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addNarrateCommand } from './commands/narrate.ts';
import { addReplayCommand } from './commands/replay.node.ts';
import { addSynthesizeCommand } from './commands/synthesize.node.ts';
import { addVoicesCommand } from './commands/voices.ts';
import { addWorkerCommand } from './commands/worker.node.ts';
import { errorSentence } from '@taleback/worker/src/start-fault.ts';
import { CommandFailed, exitCodeOf } from './exit-code.ts';
import { terminal } from './terminal.ts';

// Commands import what they need when they run: `taleback --help` has to be quick.

const EXAMPLES = `
Examples:
  taleback worker                                            take jobs and narrate them
  taleback doctor                                            find out what is wrong
  taleback synthesize "Once upon a time." --out tale.mp3     read a text aloud

Settings come from the environment; an option beats its variable. Ends with 0 when all is well, 1 when something failed,
2 when the usage is wrong or the configuration cannot be read, 3 when a story goes on whose end was not waited for.`;

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
};

/** Ends with the exit code; undefined for a worker that runs on, and ends its process itself. */
export const runCli = async (args: readonly string[]): Promise<number | undefined> => {
  const program = new Command('taleback')
    .description('Every narration ends: ready with audio, or failed with a reason.')
    .version(version, '-V, --version', 'the version of taleback')
    .helpOption('-h, --help', 'what can be said here')
    .helpCommand('help [command]', 'help for a command')
    .exitOverride()
    .configureOutput({
      // One sentence: what is wrong, and what was meant.
      outputError: (words, write) => {
        const sentence = words.replace(/^error: /, 'taleback: ').trim();
        write(`${sentence.replace(/\s*\n\s*/g, ' ')}\n`);
      },
    })
    .addHelpText('after', EXAMPLES);

  let isWorker = false;
  addWorkerCommand(program, () => {
    isWorker = true;
  });
  addDoctorCommand(program);
  addSynthesizeCommand(program);
  addBatchCommand(program);
  addNarrateCommand(program);
  addBreakerCommand(program);
  addReplayCommand(program);
  addVoicesCommand(program);

  try {
    await program.parseAsync(args, { from: 'user' });
    return isWorker ? undefined : Number(process.exitCode ?? 0);
  } catch (error) {
    // Help and versions end this way too; commander has said what is wrong.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    terminal.err(`taleback: ${errorSentence(error)}\n`);
    if (error instanceof CommandFailed) for (const hint of error.hints) terminal.err(`  ${hint}\n`);
    return exitCodeOf(error);
  }
};
