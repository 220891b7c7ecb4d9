import { Command } from 'commander';
import type { CliPorts } from './cli-ports.ts';
import { addBreakerCommand } from './commands/breaker-command.ts';
import { addCompletionCommand } from './commands/completion-command.ts';
import { addDoctorCommand } from './commands/doctor-command.ts';
import { addNarrateCommand } from './commands/narrate-command.ts';
import { addReplayCommand } from './commands/replay-command.ts';
import { addSynthesizeCommand } from './commands/synthesize-command.ts';
import { addWorkerCommand } from './commands/worker-command.ts';

const EXAMPLES = `
Examples:
  taleback worker                                            take jobs and narrate them
  taleback doctor                                            find out what is wrong
  taleback synthesize "Once upon a time." --out tale.mp3     read a text aloud

Settings come from the environment; an option beats its variable. Ends with 0 when all is well, 1 when something failed,
2 when the usage is wrong or the configuration cannot be read, 3 when a story goes on whose end was not waited for.`;

/** The command line. Its parts load what they need when they run. */
export const createProgram = (ports: CliPorts, version: string): Command => {
  const program = new Command('taleback')
    .description('Every narration ends: ready with audio, or failed with a reason.')
    .version(version, '-V, --version', 'the version of taleback')
    .helpOption('-h, --help', 'what can be said here')
    .helpCommand('help [command]', 'help for a command')
    .exitOverride()
    .configureOutput({
      // One sentence: what is wrong, and what was meant.
      outputError: (words, write) => {
        write(
          `${words
            .replace(/^error: /, 'taleback: ')
            .trim()
            .replace(/\s*\n\s*/g, ' ')}\n`,
        );
      },
    })
    .addHelpText('after', EXAMPLES);
  addWorkerCommand(program, ports);
  addDoctorCommand(program, ports);
  addSynthesizeCommand(program, ports);
  addNarrateCommand(program, ports);
  addBreakerCommand(program, ports);
  addReplayCommand(program, ports);
  addCompletionCommand(program, ports);
  return program;
};
