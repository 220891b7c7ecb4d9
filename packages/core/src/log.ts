/** Writes one structured line. Undefined fields are left out. */
export type Log = (
  severity: 'info' | 'warn' | 'error',
  message: string,
  fields?: Record<string, unknown>,
) => void;

/**
 * The message of anything that was thrown, for a log line or an operator; never its stack.
 *
 * @example
 * import { errorWords } from '@taleback/core';
 * console.log(errorWords(new Error('disk full')), errorWords('lost')); // disk full lost
 */
export const errorWords = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
