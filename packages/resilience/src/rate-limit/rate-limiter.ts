/** Decides, without throwing or waiting, whether one more call fits. */
export interface RateLimiter {
  tryTake(): TakeResult;
  /** Whether forgetting this limiter would change nothing: it stands as a new one would. */
  isIdle(): boolean;
}

export type TakeResult =
  | { readonly taken: true }
  /** `retryAfterMs`: the soonest a call can fit, if nobody else takes it first. */
  | { readonly taken: false; readonly retryAfterMs: number };

/** One answer for every call that fits. */
export const TAKEN: TakeResult = { taken: true };

/** How many calls fit. Plain data. */
export type RateLimitOptions = TokenBucketOptions | SlidingWindowOptions;

/**
 * Smooth: tokens come back evenly. Any window of `w` ms sees at most `burst + w * permits / perMs` calls, which may be
 * twice `permits` in the first `perMs`.
 */
export interface TokenBucketOptions {
  readonly kind: 'token-bucket';
  readonly permits: number;
  readonly perMs: number;
  /** Tokens that can be saved up, at least 1. Default `permits`. */
  readonly burst?: number;
}

/** Strict: no window of `windowMs` ever sees more than `permits` calls. Remembers each call, so 1 to 10_000 permits. */
export interface SlidingWindowOptions {
  readonly kind: 'sliding-window';
  readonly permits: number;
  readonly windowMs: number;
}
