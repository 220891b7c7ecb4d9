import { checkInteger, checkNumber } from '../checks/index.ts';
import { type Clock, systemClock } from '../clock/index.ts';
import { type RateLimiter, type SlidingWindowOptions, TAKEN, type TakeResult } from './rate-limiter.ts';

/** The times of the last `permits` calls, in a ring: a call fits when the oldest of them has left the window. */
export class SlidingWindow implements RateLimiter {
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
