import { Argument, type Command } from 'commander';
import type { CliPorts } from '../cli-ports.ts';
import { SHELLS, type Shell } from '../completion/completion-script.ts';

const EXAMPLES = `
Examples:
  eval "$(taleback completion bash)"                                        in ~/.bashrc
  eval "$(taleback completion zsh)"                                         in ~/.zshrc, after compinit
  taleback completion fish > ~/.config/fish/completions/taleback.fish`;

/** `taleback completion` */
export const addCompletionCommand = (program: Command, { terminal }: CliPorts): void => {
  program
    .command('completion')
    .summary('write the completion script of a shell')
    .description('Writes the script with which a shell completes taleback.')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .addHelpText('after', EXAMPLES)
    .action(async (shell: Shell) => {
      const { completionCommands } = await import('../completion/command-words.ts');
      const { completionScript } = await import('../completion/completion-script.ts');
      terminal.out(completionScript(shell, completionCommands(program)).trimEnd());
    });
};
