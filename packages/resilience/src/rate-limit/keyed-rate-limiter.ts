import { checkInteger } from '../checks/index.ts';
import { type Clock, systemClock } from '../clock/index.ts';
import { createRateLimiter } from './create-rate-limiter.ts';
import type { RateLimiter, RateLimitOptions, TakeResult } from './rate-limiter.ts';

export interface KeyedRateLimiterOptions {
  /** The limit of each key. */
  readonly limit: RateLimitOptions;
  /** Keys remembered at most, at least 1. Default 10_000: a few MB. */
  readonly maxKeys?: number;
}

/** Idle keys looked at whenever a new one comes: over one, so that idle keys go faster than new ones come. */
const SWEPT_PER_NEW_KEY = 2;

/**
 * One rate limit per key (a tenant, a user). Keys that are idle are forgotten, which changes nothing; only when more
 * than `maxKeys` are busy at once, the one unused for longest is forgotten too and starts afresh.
 */
export class KeyedRateLimiter {
  readonly #limit: RateLimitOptions;
  readonly #maxKeys: number;
  readonly #clock: Clock;
  /** In order of last use: Map keeps insertion order, and a use inserts anew. */
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
