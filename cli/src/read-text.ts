import { readFile } from 'node:fs/promises';
import type { Terminal } from './cli-ports.ts';
import { UsageError } from './exit-code.ts';

/**
 * The text that a command was given: as it stands, from a file, or from standard input (`-`, or nothing at all when it
 * is not a terminal).
 *
 * @throws UsageError when there is none, or two
 */
export const readText = async (
  text: string | undefined,
  file: string | undefined,
  terminal: Terminal,
): Promise<string> => {
  if (text !== undefined && file !== undefined) throw new UsageError('Give TEXT or --file, not both.');
  if (file !== undefined && file !== '-') {
    return readFile(file, 'utf8').catch((error: unknown) => {
      throw new UsageError(`--file ${file}: ${(error as Error).message}`);
    });
  }
  if (text !== undefined && text !== '-') return text;
  if (text === undefined && file === undefined && terminal.isInTty)
    throw new UsageError('There is nothing to say: give TEXT, - for standard input, or --file.');
  return terminal.readIn();
};
