import { type ParseArgsConfig, parseArgs } from 'node:util';

type Options = NonNullable<ParseArgsConfig['options']>;

/** Wrong usage of a script: it is reported in one sentence, and the script ends with 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export interface CommandLine<T extends Options> {
  /** Printed for --help, and after a sentence about wrong usage. */
  readonly usage: string;
  readonly options?: T;
  /** How many arguments beside options may be given. Default 0. */
  readonly maxArguments?: number;
}

/** Ends the process when the usage is wrong, with the sentence. */
const refuse = (error: unknown, usage: string): never => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage.trim()}\n`);
  process.exit(2);
};

/** The options and arguments of this script. Answers --help, and ends the process with 2 when the usage is wrong. */
export const parseCommandLine = <const T extends Options>({
  usage,
  options,
  maxArguments = 0,
}: CommandLine<T>) => {
  const parse = () =>
    parseArgs({
      allowPositionals: maxArguments > 0,
      options: { help: { type: 'boolean', default: false }, ...options } as T & {
        help: { type: 'boolean'; default: false };
      },
    });
  try {
    const { values, positionals } = parse();
    if (positionals.length > maxArguments)
      throw new UsageError(`There is one argument too many: ${positionals[maxArguments]}`);
    if ((values as { help?: boolean }).help !== true) return { values, positionals };
  } catch (error) {
    return refuse(error, usage);
  }
  process.stdout.write(usage);
  return process.exit(0);
};

/** The number in an option. @throws UsageError when it is not one from min to max */
export const parseNumber = (name: string, text: string, [min, max]: readonly [number, number]): number => {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value >= min && value <= max) return value;
  throw new UsageError(`--${name}: must be a number from ${min} to ${max}`);
};

/**
 * Runs a script to its exit code. A fault is reported in one sentence: wrong usage ends with 2, all else with 1.
 *
 * @param usage printed after a sentence about wrong usage
 */
export const runScript = async (usage: string, run: () => Promise<number>): Promise<void> => {
  try {
    process.exitCode = await run();
  } catch (error) {
    if (error instanceof UsageError) refuse(error, usage);
    const { message, cause } = error instanceof Error ? error : new Error(String(error));
    const reason = cause instanceof Error ? ` (${cause.message})` : '';
    process.stderr.write(`${message}${reason}\n`);
    process.exitCode = 1;
  }
};
