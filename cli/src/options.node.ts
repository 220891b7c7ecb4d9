import { readFile } from 'node:fs/promises';
import { InvalidArgumentError } from 'commander';
import type { WorkerConfig } from '@taleback/worker/src/config.ts';
import { UsageError } from './exit-code.ts';
import { terminal } from './terminal.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const parseBetween =
  (min: number, max: number, what: string) =>
  (text: string): number => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be ${what} from ${min} to ${max}.`);
  };

/** Seconds, 0.1 to 600. @throws InvalidArgumentError, which commander reports */
export const parseSeconds = parseBetween(0.1, 600, 'seconds');

/** Seconds that a narration may take, 1 to 86,400. @throws InvalidArgumentError */
export const parseLongSeconds = parseBetween(1, 86_400, 'seconds');

/** A rate of speech. @throws InvalidArgumentError @see SPEED_RANGE of engines */
export const parseSpeed = parseBetween(0.5, 2, 'a number');

/** A base address, without a closing slash. @throws InvalidArgumentError */
export const parseBaseUrl = (text: string): string => {
  const isHttp = URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
  if (!isHttp) throw new InvalidArgumentError('It must be an http or https address.');
  return text.replace(/\/+$/, '').replace(/\/api\/tts$/, '');
};

/**
 * The worker's configuration, with the command line's options in place of their variables.
 *
 * @param overrides variables; undefined ones leave the environment's
 * @throws Error `configuration: …` that names every variable at fault
 */
export const readConfig = async (
  overrides: Environment = {},
): Promise<{ readonly config: WorkerConfig; readonly environment: Environment }> => {
  const { parseConfig, readEnvironment } = await import('@taleback/worker/src/config.ts');
  const given = Object.fromEntries(Object.entries(overrides).filter(([, value]) => value !== undefined));
  const environment = { ...readEnvironment(), ...given };
  return { config: parseConfig(environment), environment };
};

/**
 * The text that a command was given: as an argument, from a file, or from standard input (`-`, or nothing at all when it
 * is not a terminal).
 *
 * @throws UsageError when there is none, or two
 */
export const readText = async (text: string | undefined, file: string | undefined): Promise<string> => {
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

/** Aborts on the first SIGINT or SIGTERM. */
export const stopSignal = (): AbortSignal => {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  return stop.signal;
};
