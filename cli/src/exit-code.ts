import { startExitCode } from '@taleback/worker/src/start-fault.ts';

/** A command began and did not succeed; ends with 1. */
export class CommandFailed extends Error {
  /** 1: something failed · 2: wrong usage, or a configuration that cannot be read · 3: a story goes on */
  readonly exitCode: 1 | 2 | 3 = 1;
  /** What to do, a line each. */
  readonly hints: readonly string[];

  constructor(sentence: string, hints: readonly string[] = []) {
    super(sentence);
    this.hints = hints;
  }
}

/** The command cannot begin. */
export class UsageError extends CommandFailed {
  override readonly exitCode = 2;
}

/** A story is under way and goes on without the command. */
export class StoryGoesOn extends CommandFailed {
  override readonly exitCode = 3;
}

/** Command line and configuration are wrong before anything begins; everything else fails on the way. */
export const exitCodeOf = (error: unknown): 1 | 2 | 3 =>
  error instanceof CommandFailed ? error.exitCode : startExitCode(error);
