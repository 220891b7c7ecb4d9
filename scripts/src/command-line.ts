import { type ParseArgsConfig, parseArgs } from 'node:util';

type Options = NonNullable<ParseArgsConfig['options']>;
type Flags<T extends Options> = ReturnType<typeof parseArgs<{ options: T }>>['values'];

export interface Script<T extends Options> {
  /** Printed for --help, and after a sentence about wrong usage. */
  readonly usage: string;
  readonly options?: T;
  /** How many arguments beside options may be given. Default 0. */
  readonly maxArguments?: number;
}

/** Wrong usage of a script: it is reported in one sentence, and the script ends with 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The number in an option. @throws UsageError when it is not one from min to max */
export const parseNumber = (name: string, text: string, [min, max]: readonly [number, number]): number => {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value >= min && value <= max) return value;
  throw new UsageError(`--${name}: must be a number from ${min} to ${max}`);
};

/** What went wrong, and why, in one sentence. */
export const sentenceOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
};

/** parseArgs has a code for each kind of wrong usage. */
const isUsage = (error: unknown): boolean =>
  error instanceof UsageError || String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS');

/**
 * Runs a script with its options and arguments, to the exit code that it returns, and answers --help. A fault is reported
 * in one sentence: wrong usage ends with 2, all else with 1.
 */
export const runScript = async <const T extends Options>(
  { usage, options, maxArguments = 0 }: Script<T>,
  run: (flags: Flags<T>, args: readonly string[]) => Promise<number> | number,
): Promise<void> => {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: maxArguments > 0,
      options: { help: { type: 'boolean' }, ...options },
    });
    if (positionals.length > maxArguments)
      throw new UsageError(`There is one argument too many: ${positionals[maxArguments]}`);
    if ('help' in values) process.stdout.write(usage);
    else process.exitCode = await run(values as Flags<T>, positionals);
  } catch (error) {
    process.exitCode = isUsage(error) ? 2 : 1;
    process.stderr.write(`${sentenceOf(error)}\n${isUsage(error) ? `\n${usage.trim()}\n` : ''}`);
  }
};
