import { type Clock, KeyedRateLimiter, type TakeResult } from '@taleback/resilience';

/** How many requests one address may make. */
export interface CallerLimitOptions {
  /** Requests of callers who showed a signature, per second. */
  readonly requestsPerSecond: number;
  /** Requests that may come at once when nothing came before. */
  readonly requestBurst: number;
  /** Requests without a valid signature that are told why they were refused, per minute and at once. */
  readonly refusalsPerMinute: number;
}

/**
 * The limits of each address. A caller who shows a signature and one who does not never use up each other's share,
 * though they call from the same address.
 */
export interface CallerLimits {
  readonly takeSigned: (address: string) => TakeResult;
  readonly takeUnsigned: (address: string) => TakeResult;
  readonly takeHealth: (address: string) => TakeResult;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;

/**
 * Token buckets by address. Each remembers ten thousand addresses at most, a few MB; when more are busy at once, the
 * one unused for longest starts afresh.
 *
 * @throws {RangeError} when an option is out of range
 */
export const createCallerLimits = (options: CallerLimitOptions, clock?: Clock): CallerLimits => {
  const limiter = (permits: number, perMs: number, burst: number): KeyedRateLimiter =>
    new KeyedRateLimiter({ limit: { kind: 'token-bucket', permits, perMs, burst } }, clock);
  const signed = limiter(options.requestsPerSecond, SECOND_MS, options.requestBurst);
  const health = limiter(options.requestsPerSecond, SECOND_MS, options.requestBurst);
  const unsigned = limiter(options.refusalsPerMinute, MINUTE_MS, options.refusalsPerMinute);
  return {
    takeSigned: (address) => signed.tryTake(address),
    takeUnsigned: (address) => unsigned.tryTake(address),
    takeHealth: (address) => health.tryTake(address),
  };
};
