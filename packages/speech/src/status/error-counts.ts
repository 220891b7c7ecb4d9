import {
  describeError,
  ERROR_CATALOGUE,
  type ErrorCategory,
  type ErrorCode,
  isErrorCode,
} from '@taleback/core';

const CODES = Object.keys(ERROR_CATALOGUE) as ErrorCode[];
const INDEX = new Map<ErrorCode, number>(CODES.map((code, index) => [code, index]));

/**
 * The code itself, or `unknown` for one that is not in the catalogue: what is counted stays bounded.
 *
 * @example
 * catalogued('no_such_code'); // unknown
 */
export const catalogued = (code: string): ErrorCode => (isErrorCode(code) ? code : 'unknown');

/** A code as a number from 0, for rings and arrays. */
export const indexOfCode = (code: string): number => INDEX.get(catalogued(code)) ?? 0;

export type ErrorsByCode = Readonly<Partial<Record<ErrorCode, number>>>;
export type ErrorsByCategory = Readonly<Partial<Record<ErrorCategory, number>>>;

/** Counts errors by code. Codes that never occurred are left out. */
export class ErrorCounts {
  readonly #counts = new Float64Array(CODES.length);
  total = 0;

  /** @param index of the code, see `indexOfCode` */
  add(index: number): void {
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.total += 1;
  }

  byCode(): ErrorsByCode {
    return Object.fromEntries(
      CODES.map((code, index) => [code, this.#counts[index] ?? 0] as const).filter(([, count]) => count > 0),
    );
  }

  byCategory(): ErrorsByCategory {
    const sums: Partial<Record<ErrorCategory, number>> = {};
    for (const [code, count] of Object.entries(this.byCode()) as [ErrorCode, number][]) {
      const { category } = describeError(code);
      sums[category] = (sums[category] ?? 0) + count;
    }
    return sums;
  }
}
