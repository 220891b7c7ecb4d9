import { createHmac } from 'node:crypto';
import { inspect } from 'node:util';
import { z } from 'zod';
import { MIN_SECRET_BYTES, parseSecret, SECRET_PREFIX } from './signatures.ts';

/** A key that is random has more different bytes, as hex digits too: five or fewer are one in 300 million. */
const MIN_DISTINCT_BYTES = 6;
/** A random key does not repeat before. */
const MIN_PERIOD_BYTES = 16;

/** After how many bytes a key repeats. */
const periodOf = (key: Uint8Array): number => {
  const period = key.findIndex((_, at) => at > 0 && key.subarray(at).every((byte, i) => byte === key[i]));
  return period < 0 ? key.length : period;
};

/** Whether a key is too short or too regular to be random: zeros, a word again and again, bytes that count up. */
const isWeak = (key: Uint8Array): boolean => {
  const steps = key.slice(1).map((byte, at) => byte - (key[at] ?? 0));
  const isRegular = [key, steps].some((bytes) => new Set(bytes).size < MIN_DISTINCT_BYTES);
  return key.length < MIN_SECRET_BYTES || periodOf(key) < MIN_PERIOD_BYTES || isRegular;
};

const HMAC_PREFIX = 'hmac_';

/** The secrets of one direction: keys of Standard Webhooks, and texts of the hex HMAC. Printing them shows nothing. */
export class Secrets {
  readonly #standard: readonly Uint8Array[];
  readonly #hmac: readonly string[];

  constructor(standard: readonly Uint8Array[] = [], hmac: readonly string[] = []) {
    this.#standard = standard;
    this.#hmac = hmac;
  }

  get standard(): readonly Uint8Array[] {
    return this.#standard;
  }

  get hmac(): readonly string[] {
    return this.#hmac;
  }

  get count(): number {
    return this.#standard.length + this.#hmac.length;
  }

  /** Whether both have a key that makes the same signatures. */
  sharesKeyWith(other: Secrets): boolean {
    const prints = ({ standard, hmac }: Secrets): string[] =>
      [...standard, ...hmac].map((key) => createHmac('sha256', key).digest('hex'));
    return prints(this).some((print) => prints(other).includes(print));
  }

  toJSON(): string {
    return '[redacted]';
  }

  [inspect.custom](): string {
    return '[redacted]';
  }
}

/**
 * Reads secrets separated by commas: `whsec_<base64>` for Standard Webhooks, `hmac_<text>` for the hex HMAC.
 * @throws RangeError when one is malformed or weak; the message does not repeat it.
 *
 * @example
 * import { parseSecrets } from '@taleback/core/signatures';
 * parseSecrets('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw,hmac_a secret of our Python handlers').count; // 2
 */
export const parseSecrets = (list: string): Secrets => {
  const items = list
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
  const hmac = items
    .filter((item) => item.startsWith(HMAC_PREFIX))
    .map((item) => item.slice(HMAC_PREFIX.length));
  const standard = items.filter((item) => !item.startsWith(HMAC_PREFIX)).map(parseSecret);
  if ([...standard, ...hmac.map((text) => Buffer.from(text))].some(isWeak))
    throw new RangeError(
      `a secret is weak; it must have at least ${MIN_SECRET_BYTES} random bytes, such as ${SECRET_PREFIX} and the output of "openssl rand -base64 32"`,
    );
  return new Secrets(standard, hmac);
};

/** A variable that holds secrets, as `parseSecrets` reads them. Default: none. */
export const secretsVariable = z
  .string()
  .default('')
  .transform((list, context): Secrets => {
    try {
      return parseSecrets(list);
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message });
      return z.NEVER;
    }
  });
