/**
 * 0: well · 1: something failed · 2: wrong usage, or a configuration that cannot be read · 3: a story goes on whose end was
 * not waited for
 */
export type ExitCode = 0 | 1 | 2 | 3;

/** The command cannot begin; ends with 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A command began and did not succeed; ends with 1. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
}

/** A story is under way and goes on without the command; ends with 3. */
export class StoryGoesOn extends Error {
  override readonly name = 'StoryGoesOn';
  /** What to do, a line each. */
  readonly hints: readonly string[];

  constructor(sentence: string, hints: readonly string[]) {
    super(sentence);
    this.hints = hints;
  }
}

/** Command line and configuration are wrong before anything begins; everything else fails on the way. */
export const exitCodeOf = (error: unknown): ExitCode => {
  if (error instanceof StoryGoesOn) return 3;
  const isUsage =
    error instanceof UsageError || (error instanceof Error && error.message.startsWith('configuration: '));
  return isUsage ? 2 : 1;
};

/** One sentence for standard error. */
export const errorSentence = (error: unknown): string => {
  const { message, details } = (error instanceof Error ? error : { message: String(error) }) as {
    message: string;
    details?: unknown;
  };
  const words = typeof details === 'string' && details !== message ? `${message} (${details})` : message;
  return words.replace(/\s+/g, ' ').trim();
};
