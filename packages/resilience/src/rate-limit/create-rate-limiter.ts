import type { Clock } from '../clock/index.ts';
import type { RateLimiter, RateLimitOptions } from './rate-limiter.ts';
import { SlidingWindow } from './sliding-window.ts';
import { TokenBucket } from './token-bucket.ts';

/** @throws {RangeError} when an option is out of range */
export function createRateLimiter(options: RateLimitOptions, clock?: Clock): RateLimiter {
  return options.kind === 'token-bucket'
    ? new TokenBucket(options, clock)
    : new SlidingWindow(options, clock);
}
