import { type ParseArgsConfig, parseArgs } from 'node:util';

type Options = NonNullable<ParseArgsConfig['options']>;
type Flags<T extends Options> = ReturnType<typeof parseArgs<{ options: T }>>['values'];

export interface Script<T extends Options> {
  /** Printed for --help. */
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

/** The address in an option. @throws UsageError when it is none of http or https */
export const parseHttpUrl = (name: string, text: string): URL => {
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol)) return url;
  throw new UsageError(`--${name}: must be an http or https address`);
};

const wordsOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${wordsOf(error.cause)}` : error.message;
};

/** What went wrong, and why, in one sentence: a word alone, such as the code of a client library, is none. */
export const sentenceOf = (error: unknown): string => {
  const words = wordsOf(error).trim();
  return /\s/.test(words) ? words : `it failed with "${words}"`;
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
    // parseArgs adds advice, as sentences of their own.
    const [sentence] = sentenceOf(error).split(/\.?\n|\. (?=[A-Z])/);
    process.stderr.write(
      isUsage(error) ? `${sentence}; --help shows the usage.\n` : `${sentenceOf(error)}\n`,
    );
  }
};
