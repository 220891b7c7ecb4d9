import { checkInteger, checkNumber } from '../checks/index.ts';
import type { AdaptiveCooldown } from './cooldown.ts';
import type { StrategyOptions } from './strategy.ts';

/** Plain data, so that it can stand in a profile; one object may serve any number of breakers. */
export interface BreakerOptions {
  readonly strategy: StrategyOptions;
  /** Time between opening and the first trial, ms. */
  readonly cooldownMs: number;
  /** Trials in a row that must succeed before it closes. Default 2. */
  readonly halfOpenSuccesses?: number;
  /** A trial whose permit is not handed back by then is lost and makes room for another, ms. Default 120_000. */
  readonly trialExpiryMs?: number;
  /** Lets the cool-down learn. Default: it never changes. */
  readonly adaptive?: AdaptiveCooldown;
  /** Whether an error speaks against the service. Others (a bad request) count neither way. Default: all do. */
  readonly isFailure?: (error: unknown) => boolean;
}

/** @see seed 000: "requires 2 successful requests to fully close" */
export const DEFAULT_HALF_OPEN_SUCCESSES = 2;
/** Twice the longest usual call (60 s, seed 000), so that only a permit that leaked is ever taken for lost. */
export const DEFAULT_TRIAL_EXPIRY_MS = 120_000;

/** @throws {RangeError} naming the field that cannot be used; `createStrategy` checks the strategy's */
export function checkBreakerOptions(options: BreakerOptions): void {
  checkNumber('cooldownMs', options.cooldownMs, 0);
  checkInteger('halfOpenSuccesses', options.halfOpenSuccesses ?? DEFAULT_HALF_OPEN_SUCCESSES, 1);
  checkNumber('trialExpiryMs', options.trialExpiryMs ?? DEFAULT_TRIAL_EXPIRY_MS, 1);
  if (options.adaptive === undefined) return;
  checkNumber('adaptive.minMs', options.adaptive.minMs, 0, options.cooldownMs);
  checkNumber('adaptive.maxMs', options.adaptive.maxMs, options.cooldownMs);
}
