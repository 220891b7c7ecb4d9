import { checkInteger, checkNumber } from './checks.ts';
import { type Clock, systemClock } from './clock.ts';
import { ResilienceError } from './resilience-error.ts';

/** Whether one more call fits, without throwing or waiting. */
export interface RateLimiter {
  tryTake(): TakeResult;
  /** Whether it equals a new one, so that forgetting it changes nothing. */
  isIdle(): boolean;
}

export type TakeResult =
  | { readonly taken: true }
  /** `retryAfterMs`: the earliest moment a call can fit, if no other call comes first. */
  | { readonly taken: false; readonly retryAfterMs: number };

const TAKEN: TakeResult = { taken: true };

/** How many calls fit. Plain data. */
export type RateLimitOptions = TokenBucketOptions | SlidingWindowOptions;

/** Smooth: tokens return evenly. Any window of `w` ms sees at most `burst + w * permits / perMs` calls. */
export interface TokenBucketOptions {
  readonly kind: 'token-bucket';
  readonly permits: number;
  readonly perMs: number;
  /** Tokens that can be saved, at least 1. Default `permits`. */
  readonly burst?: number;
}

/** Strict: no window of `windowMs` sees more than `permits` calls, of which there may be 1 to 10_000. */
export interface SlidingWindowOptions {
  readonly kind: 'sliding-window';
  readonly permits: number;
  readonly windowMs: number;
}

/**
 * @throws {RangeError} when an option is out of range
 *
 * @example
 * import { createRateLimiter } from '@taleback/resilience';
 * const limiter = createRateLimiter({ kind: 'sliding-window', permits: 10, windowMs: 60_000 });
 * console.log(limiter.tryTake()); // { taken: true }
 */
export function createRateLimiter(options: RateLimitOptions, clock?: Clock): RateLimiter {
  return options.kind === 'token-bucket'
    ? new TokenBucket(options, clock)
    : new SlidingWindow(options, clock);
}

/** Sums of fractions may fall short of a whole token by this. */
const ROUNDING = 1e-9;

/** A bucket of `burst` tokens, refilled by `permits` every `perMs`. A call takes one. No timer: it refills when asked. */
class TokenBucket implements RateLimiter {
  readonly #options: TokenBucketOptions;
  readonly #clock: Clock;
  #tokens: number;
  #filledMs: number;

  /** @throws {RangeError} when an option is out of range */
  constructor(options: TokenBucketOptions, clock: Clock = systemClock) {
    checkNumber('permits', options.permits, Number.MIN_VALUE);
    checkNumber('perMs', options.perMs, Number.MIN_VALUE);
    checkNumber('burst', options.burst ?? options.permits, 1);
    this.#options = options;
    this.#clock = clock;
    this.#tokens = options.burst ?? options.permits;
    this.#filledMs = clock.now();
  }

  tryTake(): TakeResult {
    this.#fill();
    if (this.#tokens >= 1 - ROUNDING) {
      this.#tokens -= 1;
      return TAKEN;
    }
    const { permits, perMs } = this.#options;
    // Half the allowance, so that a call which waits this long always finds a whole token.
    const missing = 1 - ROUNDING / 2 - this.#tokens;
    return { taken: false, retryAfterMs: Math.ceil((missing * perMs) / permits) };
  }

  isIdle(): boolean {
    this.#fill();
    return this.#tokens >= this.#burst();
  }

  #fill(): void {
    const nowMs = this.#clock.now();
    const { permits, perMs } = this.#options;
    this.#tokens = Math.min(this.#burst(), this.#tokens + ((nowMs - this.#filledMs) * permits) / perMs);
    this.#filledMs = nowMs;
  }

  #burst(): number {
    return this.#options.burst ?? this.#options.permits;
  }
}

/** The times of the last `permits` calls, in a ring: a call fits when the oldest of them has left the window. */
class SlidingWindow implements RateLimiter {
  readonly #options: SlidingWindowOptions;
  readonly #clock: Clock;
  readonly #takenMs: number[] = [];
  /** Where the oldest call stands, and the next will. */
  #oldest = 0;

  /** @throws {RangeError} when an option is out of range */
  constructor(options: SlidingWindowOptions, clock: Clock = systemClock) {
    checkInteger('permits', options.permits, 1, 10_000);
    checkNumber('windowMs', options.windowMs, Number.MIN_VALUE);
    this.#options = options;
    this.#clock = clock;
  }

  tryTake(): TakeResult {
    const { permits, windowMs } = this.#options;
    const nowMs = this.#clock.now();
    const oldestMs = this.#takenMs[this.#oldest];
    if (oldestMs !== undefined && nowMs - oldestMs < windowMs) {
      return { taken: false, retryAfterMs: oldestMs + windowMs - nowMs };
    }
    this.#takenMs[this.#oldest] = nowMs;
    this.#oldest = (this.#oldest + 1) % permits;
    return TAKEN;
  }

  isIdle(): boolean {
    const newestMs = this.#takenMs.at(this.#oldest - 1);
    return newestMs === undefined || this.#clock.now() - newestMs >= this.#options.windowMs;
  }
}

export interface KeyedRateLimiterOptions {
  readonly limit: RateLimitOptions;
  /** Keys remembered at most, at least 1. Default 10_000: a few MB. */
  readonly maxKeys?: number;
}

/** Idle keys removed for each new one: over one, so that they go faster than new ones come. */
const SWEPT_PER_NEW_KEY = 2;

/**
 * One rate limit per key (a tenant, a user). Idle keys are forgotten, which changes nothing. Only when more than
 * `maxKeys` are busy, the least recently used one is forgotten too and starts with a full limit.
 */
export class KeyedRateLimiter {
  readonly #limit: RateLimitOptions;
  readonly #maxKeys: number;
  readonly #clock: Clock;
  /** In order of last use: a Map keeps insertion order, and every use inserts again. */
  readonly #limiters = new Map<string, RateLimiter>();

  /** @throws {RangeError} when an option is out of range */
  constructor({ limit, maxKeys = 10_000 }: KeyedRateLimiterOptions, clock: Clock = systemClock) {
    checkInteger('maxKeys', maxKeys, 1);
    createRateLimiter(limit, clock);
    this.#limit = limit;
    this.#maxKeys = maxKeys;
    this.#clock = clock;
  }

  get size(): number {
    return this.#limiters.size;
  }

  tryTake(key: string): TakeResult {
    const limiter = this.#limiters.get(key) ?? this.#create();
    this.#limiters.delete(key);
    this.#limiters.set(key, limiter);
    return limiter.tryTake();
  }

  #create(): RateLimiter {
    let swept = 0;
    for (const [key, limiter] of this.#limiters) {
      if (this.#limiters.size < this.#maxKeys && !limiter.isIdle()) break;
      this.#limiters.delete(key);
      swept += 1;
      if (swept >= SWEPT_PER_NEW_KEY) break;
    }
    return createRateLimiter(this.#limit, this.#clock);
  }
}

/** For callers that prefer exceptions; the limiters themselves return data. */
export class RateLimitedError extends ResilienceError {
  readonly code = 'rate-limited';

  constructor(retryAfterMs: number | undefined) {
    super('The rate limit is used up', retryAfterMs);
  }
}
