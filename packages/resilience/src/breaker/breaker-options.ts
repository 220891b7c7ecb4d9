import { checkInteger, checkNumber } from '../checks.ts';
import type { StrategyOptions } from './windows.ts';

/** Plain data, so that it can stand in a profile; one object may serve any number of breakers. */
export interface BreakerOptions {
  readonly strategy: StrategyOptions;
  /** Time between opening and the first trial, ms. */
  readonly cooldownMs: number;
  /** Trials in a row that must succeed before it closes. Default 2. */
  readonly halfOpenSuccesses?: number;
  /** A trial whose permit is not handed back by then is lost and makes room for another, ms. Default 120_000. */
  readonly trialExpiryMs?: number;
  /** Lets the cool-down adapt. Default: it never changes. */
  readonly adaptive?: AdaptiveCooldown;
  /** Whether an error counts against the service. Others (a bad request) count neither way. Default: all do. */
  readonly isFailure?: (error: unknown) => boolean;
}

/** Bounds of an adaptive cool-down, ms. `minMs <= cooldownMs <= maxMs` of the breaker's options. */
export interface AdaptiveCooldown {
  readonly minMs: number;
  readonly maxMs: number;
}

/** @see docs/origins.md#circuit-breaker */
export const DEFAULT_HALF_OPEN_SUCCESSES = 2;
/** Twice the longest usual call (60 s), so that only a permit that leaked is ever taken for lost. */
export const DEFAULT_TRIAL_EXPIRY_MS = 120_000;

/** @throws {RangeError} naming the field that is out of range; `createStrategy` checks the strategy's */
export function checkBreakerOptions(options: BreakerOptions): void {
  checkNumber('cooldownMs', options.cooldownMs, 0);
  checkInteger('halfOpenSuccesses', options.halfOpenSuccesses ?? DEFAULT_HALF_OPEN_SUCCESSES, 1);
  checkNumber('trialExpiryMs', options.trialExpiryMs ?? DEFAULT_TRIAL_EXPIRY_MS, 1);
  if (options.adaptive === undefined) return;
  checkNumber('adaptive.minMs', options.adaptive.minMs, 0, options.cooldownMs);
  checkNumber('adaptive.maxMs', options.adaptive.maxMs, options.cooldownMs);
}

/** A persistent outage: twice as long as the cool-down that was not enough, up to `maxMs`. */
export function cooldownAfterFailedTrial({ adaptive }: BreakerOptions, cooldownMs: number): number {
  return adaptive === undefined ? cooldownMs : Math.min(adaptive.maxMs, cooldownMs * 2);
}

/**
 * The first cool-down of the next outage. After a quick recovery (the first trials succeeded): half as long, down to
 * `minMs`. After a slow one: `cooldownMs` again.
 *
 * @see docs/origins.md#reuse-and-adaptation
 */
export function cooldownAfterRecovery(
  options: BreakerOptions,
  firstCooldownMs: number,
  failedTrials: number,
): number {
  if (options.adaptive === undefined || failedTrials > 0) return options.cooldownMs;
  return Math.max(options.adaptive.minMs, firstCooldownMs / 2);
}

/** Closed for less than the cool-down before it: the outage was never over. */
export function isRelapse(
  { adaptive }: BreakerOptions,
  closedForMs: number,
  recoveredAfterMs: number | undefined,
): recoveredAfterMs is number {
  return adaptive !== undefined && recoveredAfterMs !== undefined && closedForMs < recoveredAfterMs;
}
