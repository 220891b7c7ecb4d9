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

/**
 * The same text without the tokens of addresses in it.
 *
 * @example
 * withoutTokens('https://a.example/?token=abc'); // 'https://a.example/?token=redacted'
 */
export const withoutTokens = (text: string): string =>
  text.replace(/([?&]token=)[^&#\s"'<>)\]]*/g, '$1redacted');

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
