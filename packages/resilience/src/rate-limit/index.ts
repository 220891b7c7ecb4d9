export { createRateLimiter } from './create-rate-limiter.ts';
export { KeyedRateLimiter, type KeyedRateLimiterOptions } from './keyed-rate-limiter.ts';
export { RateLimitedError } from './rate-limited-error.ts';
export type {
  RateLimiter,
  RateLimitOptions,
  SlidingWindowOptions,
  TakeResult,
  TokenBucketOptions,
} from './rate-limiter.ts';
export { SlidingWindow } from './sliding-window.ts';
export { TokenBucket } from './token-bucket.ts';
