export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/**
 * The smallest value that at least `percent` per cent of all values do not exceed (nearest rank): always a value that
 * was measured, never one between two.
 *
 * @param sorted ascending, not empty
 * @param percent whole, 1..100: in whole numbers the rank suffers no rounding
 */
const nearestRank = (sorted: ArrayLike<number>, percent: number): number =>
  sorted[Math.ceil((percent * sorted.length) / 100) - 1] ?? Number.NaN;

/** Median, P95 and P99 by nearest rank; undefined for no values. */
export const percentilesOf = (values: readonly number[]): Percentiles | undefined => {
  if (values.length === 0) return undefined;
  const sorted = Float64Array.from(values).sort();
  return { p50: nearestRank(sorted, 50), p95: nearestRank(sorted, 95), p99: nearestRank(sorted, 99) };
};

/** The mean; undefined for no values. */
export const averageOf = (values: readonly number[]): number | undefined =>
  values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
