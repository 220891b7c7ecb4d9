import type { Command } from 'commander';

/** A word that may be typed, and what it is for. */
export interface CompletionWord {
  readonly word: string;
  readonly about: string;
}

/** A command as a shell completes it. */
export interface CompletionCommand extends CompletionWord {
  readonly subcommands: readonly CompletionWord[];
  readonly options: readonly CompletionWord[];
}

const optionsOf = (command: Command): CompletionWord[] =>
  command
    .createHelp()
    .visibleOptions(command)
    .flatMap(({ long, description }) => (long ? [{ word: long, about: description }] : []));

const commandsOf = (command: Command): Command[] =>
  command
    .createHelp()
    .visibleCommands(command)
    .filter((one) => one.name() !== 'help');

/** Options of the subcommands count as their command's: a shell that knows them all needs no third level. */
const withSubcommands = (command: Command): CompletionWord[] => {
  const all = [command, ...commandsOf(command)].flatMap(optionsOf);
  return all.filter(({ word }, index) => all.findIndex((other) => other.word === word) === index);
};

/** What of a command line can be completed. */
export const completionCommands = (program: Command): CompletionCommand[] =>
  commandsOf(program).map((command) => ({
    word: command.name(),
    about: command.summary() || command.description(),
    options: withSubcommands(command),
    subcommands:
      // Its argument is one of a few words.
      command.registeredArguments[0]?.argChoices?.map((word) => ({ word, about: '' })) ??
      commandsOf(command).map((one) => ({ word: one.name(), about: one.description() })),
  }));
