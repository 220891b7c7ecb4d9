export interface HealthFigures {
  /** Share of the last answers that were sound, 0 to 1. */
  readonly successRate: number;
  /** Calls or pings that failed in a row. */
  readonly consecutiveFailures: number;
  /** How long the last ping took, in milliseconds. */
  readonly responseTimeMs: number;
  /** How long ago the worker last answered anything, in milliseconds. */
  readonly silentMs: number;
  /** Time between health checks, in milliseconds. */
  readonly intervalMs: number;
}

/** Together with the failures a worker that is slow and silent comes to 0. Seed 004 names both, without numbers. */
const MAX_PENALTY = 20;
const MS_PER_POINT_OF_RESPONSE = 50;

const clamp = (value: number, max: number): number => Math.min(Math.max(value, 0), max);

/**
 * ```
 * healthScore = 100 * successRate
 *   - min(consecutiveFailures * 20, 80)
 *   - responseTimePenalty      one point for each 50 ms of a ping, 20 at most
 *   - stalenessPenalty         one point for each tenth of an interval of silence after the first, 20 at most
 * ```
 * @returns 0 (worst) to 100
 * @see seed 004, "Health Score Calculation"
 */
export const healthScore = (figures: HealthFigures): number => {
  const { successRate, consecutiveFailures, responseTimeMs, silentMs, intervalMs } = figures;
  const responseTimePenalty = clamp(responseTimeMs / MS_PER_POINT_OF_RESPONSE, MAX_PENALTY);
  const stalenessPenalty = clamp((silentMs - intervalMs) / (intervalMs / 10), MAX_PENALTY);
  const score =
    100 * successRate - Math.min(consecutiveFailures * 20, 80) - responseTimePenalty - stalenessPenalty;
  return Math.round(clamp(score, 100));
};
