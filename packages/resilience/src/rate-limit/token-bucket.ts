import { checkNumber } from '../checks/index.ts';
import { type Clock, systemClock } from '../clock/index.ts';
import { type RateLimiter, TAKEN, type TakeResult, type TokenBucketOptions } from './rate-limiter.ts';

/** Sums of fractions may fall short of a whole token by this; a billionth of a call is no call. */
const ROUNDING = 1e-9;

/** A bucket of `burst` tokens, refilled by `permits` every `perMs`. A call takes one. No timer: it refills when asked. */
export class TokenBucket implements RateLimiter {
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
    // Half the allowance, so that a call which waits as told is never a rounding short.
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
