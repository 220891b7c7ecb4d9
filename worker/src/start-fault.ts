const CONFIGURATION = 'configuration: ';

/** Why a program did not start, as one sentence without a stack. */
export const errorSentence = (error: unknown): string => {
  const { message, details } = (error instanceof Error ? error : { message: String(error) }) as {
    message: string;
    details?: unknown;
  };
  const words = typeof details === 'string' && details !== message ? `${message} (${details})` : message;
  return words.replace(/\s+/g, ' ').trim();
};

/** A fault of a variable: starting again does not help. */
export const configurationFault = (variable: string, error: unknown): Error =>
  new Error(`${CONFIGURATION}${variable}: ${errorSentence(error)}`, { cause: error });

/** 2 for a configuration that is wrong, 1 for everything else. */
export const startExitCode = (error: unknown): 1 | 2 =>
  error instanceof Error && error.message.startsWith(CONFIGURATION) ? 2 : 1;
