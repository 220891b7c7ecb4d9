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
 * errorWords(new Error('disk full')); // 'disk full'
 */
export const errorWords = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** Longest part of a fault that is logged, characters: a message may quote the input that caused it. */
const MAX_MESSAGE = 2_000;
const MAX_STACK = 8_000;

/** The log entry of something that was thrown. */
export interface FaultWords {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly cause?: string;
}

const wordsOf = (value: unknown): string =>
  (value instanceof Error ? `${value.name}: ${value.message}` : String(value)).slice(0, MAX_MESSAGE);

/**
 * The log entry of anything that was thrown or rejected with, its stack included. Never throws.
 *
 * @example
 * describeFault(new TypeError('no text')).name; // 'TypeError'
 */
export const describeFault = (fault: unknown): FaultWords => {
  try {
    if (!(fault instanceof Error)) return { name: typeof fault, message: wordsOf(fault) };
    const { name, message, stack, cause } = fault;
    return {
      name,
      message: message.slice(0, MAX_MESSAGE),
      ...(typeof stack === 'string' ? { stack: stack.slice(0, MAX_STACK) } : {}),
      ...(cause === undefined ? {} : { cause: wordsOf(cause) }),
    };
  } catch {
    return { name: typeof fault, message: 'It cannot be printed.' };
  }
};

/** A token in an address, also in an address that stands encoded in another one or in JSON inside JSON. */
const TOKEN = /((?:[?&;]|%3f|%26|\\u00(?:3f|26))token(?:=|%3d))(?:(?!%26|%23|\\u0026)[^&#\s"'<>)\]\\])*/gi;

/**
 * The same text without the tokens of addresses in it.
 *
 * @example
 * withoutTokens('https://a.example/?token=abc'); // 'https://a.example/?token=redacted'
 */
export const withoutTokens = (text: string): string => text.replace(TOKEN, '$1redacted');

/** Node's `console.log` and `util.inspect` look for it; a plain symbol, so that the page needs no Node. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom');
const REDACTED = '[redacted]';

/** A secret. Printing it shows `[redacted]`. */
export class SecretText {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  get text(): string {
    return this.#text;
  }

  toJSON(): string {
    return REDACTED;
  }

  toString(): string {
    return REDACTED;
  }

  [INSPECT](): string {
    return REDACTED;
  }
}
