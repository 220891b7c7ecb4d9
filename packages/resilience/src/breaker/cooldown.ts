/** Bounds within which the cool-down learns, ms. `minMs <= cooldownMs <= maxMs` of the breaker's options. */
export interface AdaptiveCooldown {
  readonly minMs: number;
  readonly maxMs: number;
}

interface CooldownOptions {
  readonly cooldownMs: number;
  readonly adaptive?: AdaptiveCooldown | undefined;
}

/** A persistent outage: twice as long as the cool-down that was not enough, up to `maxMs`. */
export function cooldownAfterFailedTrial({ adaptive }: CooldownOptions, cooldownMs: number): number {
  return adaptive === undefined ? cooldownMs : Math.min(adaptive.maxMs, cooldownMs * 2);
}

/**
 * The first cool-down of the next outage. After a quick recovery (the first trials succeeded): half as long, down to
 * `minMs`. After a slow one: `cooldownMs` again, for shorter was too hopeful.
 *
 * @see seed 002: shorter timeout for quick recoveries, longer timeout for persistent outages
 */
export function cooldownAfterRecovery(
  options: CooldownOptions,
  firstCooldownMs: number,
  failedTrials: number,
): number {
  if (options.adaptive === undefined || failedTrials > 0) return options.cooldownMs;
  return Math.max(options.adaptive.minMs, firstCooldownMs / 2);
}

/** Closed for less than the cool-down before it: the outage was never over, so the recovery was no quick one. */
export function isRelapse(
  { adaptive }: CooldownOptions,
  closedForMs: number,
  recoveredAfterMs: number | undefined,
): recoveredAfterMs is number {
  return adaptive !== undefined && recoveredAfterMs !== undefined && closedForMs < recoveredAfterMs;
}
