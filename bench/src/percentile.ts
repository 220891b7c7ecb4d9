/** The nearest-rank percentile of a sample, share 0 to 1, rounded to a hundredth. NaN for an empty sample. */
export const percentile = (sample: readonly number[], share: number): number => {
  const sorted = [...sample].sort((a, b) => a - b);
  const rank = Math.max(0, Math.ceil(share * sorted.length) - 1);
  return Math.round((sorted[rank] ?? Number.NaN) * 100) / 100;
};
