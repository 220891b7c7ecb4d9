import { checkInteger, checkNumber } from '../checks.ts';

/** When failures are too many. Plain data. */
export type StrategyOptions = ConsecutiveOptions | CountWindowOptions | TimeWindowOptions;

/** Opens at the n-th failure in a row. */
export interface ConsecutiveOptions {
  readonly kind: 'consecutive';
  readonly failures: number;
}

interface RatioOptions {
  /** Opens when failures / calls is at least this, over 0 and up to 1. */
  readonly failureRatio: number;
  /** With fewer calls in the window it stays closed, at least 1. */
  readonly minimumCalls: number;
}

/** Looks at the last `size` calls. */
export interface CountWindowOptions extends RatioOptions {
  readonly kind: 'count-window';
  readonly size: number;
}

/** Looks at the last `windowMs`, in `buckets` steps: a call counts for at least `windowMs * (1 - 1 / buckets)`. */
export interface TimeWindowOptions extends RatioOptions {
  readonly kind: 'time-window';
  readonly windowMs: number;
  /** 1 to 1_000. Default 10. */
  readonly buckets?: number;
}

/** Decides whether failures are too many while the breaker is closed. Independent of the breaker's states. */
export interface BreakerStrategy {
  onSuccess(nowMs: number): void;
  /** @returns whether to open now; only a failure can open */
  onFailure(nowMs: number, consecutiveFailures: number): boolean;
  /** Forgets every call. */
  reset(): void;
  /** The window as numbers, in a form only the same strategy reads. */
  save(): number[];
  load(saved: readonly number[]): void;
}

/** @throws {RangeError} naming the field that is out of range */
export function createStrategy(options: StrategyOptions): BreakerStrategy {
  if (options.kind === 'consecutive') {
    checkInteger('strategy.failures', options.failures, 1);
    return new ConsecutiveFailures(options.failures);
  }
  checkNumber('strategy.failureRatio', options.failureRatio, Number.MIN_VALUE, 1);
  if (options.kind === 'count-window') {
    checkInteger('strategy.size', options.size, 1);
    checkInteger('strategy.minimumCalls', options.minimumCalls, 1, options.size);
    return new CountWindow(options);
  }
  checkInteger('strategy.minimumCalls', options.minimumCalls, 1);
  checkNumber('strategy.windowMs', options.windowMs, 1);
  checkInteger('strategy.buckets', options.buckets ?? 10, 1, 1_000);
  return new TimeWindow(options);
}

/** The breaker counts failures in a row already, for its status; this strategy only compares. */
class ConsecutiveFailures implements BreakerStrategy {
  readonly #threshold: number;

  constructor(threshold: number) {
    this.#threshold = threshold;
  }

  onSuccess(): void {}

  onFailure(_nowMs: number, consecutiveFailures: number): boolean {
    return consecutiveFailures >= this.#threshold;
  }

  reset(): void {}

  save(): number[] {
    return [];
  }

  load(): void {}
}

/** The last calls as a ring of bits, 1 for a failure: 100 calls take 4 numbers. */
class CountWindow implements BreakerStrategy {
  readonly #options: CountWindowOptions;
  readonly #words: number[];
  #next = 0;
  #calls = 0;
  #failures = 0;

  constructor(options: CountWindowOptions) {
    this.#options = options;
    this.#words = Array.from({ length: Math.ceil(options.size / 32) }, () => 0);
  }

  onSuccess(): void {
    this.#record(false);
  }

  onFailure(): boolean {
    this.#record(true);
    const { failureRatio, minimumCalls } = this.#options;
    return this.#calls >= minimumCalls && this.#failures >= failureRatio * this.#calls;
  }

  reset(): void {
    this.#words.fill(0);
    this.#next = 0;
    this.#calls = 0;
    this.#failures = 0;
  }

  /** One number per call, oldest first: 1 for a failure. */
  save(): number[] {
    const { size } = this.#options;
    const oldest = this.#next + size - this.#calls;
    return Array.from({ length: this.#calls }, (_, age) => {
      const at = (oldest + age) % size;
      return ((this.#words[at >>> 5] ?? 0) >>> (at & 31)) & 1;
    });
  }

  load(saved: readonly number[]): void {
    this.reset();
    for (const failed of saved.slice(-this.#options.size)) this.#record(failed === 1);
  }

  #record(failed: boolean): void {
    const at = this.#next;
    const index = at >>> 5;
    const bit = 1 << (at & 31);
    const word = this.#words[index] ?? 0;
    if (this.#calls < this.#options.size) this.#calls += 1;
    else if ((word & bit) !== 0) this.#failures -= 1;
    if (failed) this.#failures += 1;
    this.#words[index] = failed ? word | bit : word & ~bit;
    this.#next = at + 1 === this.#options.size ? 0 : at + 1;
  }
}

/**
 * A count of calls in one number, which adds and subtracts as a whole: successes below 2^26, failures above. Both
 * reach 67 million per step, and a window of 10 steps takes 10 numbers.
 */
const SUCCESS = 1;
const FAILURE = 2 ** 26;
const successesOf = (count: number): number => count % FAILURE;
const failuresOf = (count: number): number => Math.floor(count / FAILURE);

/** Calls counted per step of time, in a ring of steps. Steps are numbered from the epoch, so a saved window fits again. */
class TimeWindow implements BreakerStrategy {
  readonly #options: TimeWindowOptions;
  readonly #counts: number[];
  #total = 0;
  /** The newest step counted. */
  #step = 0;

  constructor(options: TimeWindowOptions) {
    this.#options = options;
    this.#counts = Array.from({ length: options.buckets ?? 10 }, () => 0);
  }

  onSuccess(nowMs: number): void {
    this.#moveTo(this.#stepAt(nowMs));
    this.#add(SUCCESS);
  }

  onFailure(nowMs: number): boolean {
    this.#moveTo(this.#stepAt(nowMs));
    this.#add(FAILURE);
    const failures = failuresOf(this.#total);
    const calls = successesOf(this.#total) + failures;
    const { failureRatio, minimumCalls } = this.#options;
    return calls >= minimumCalls && failures >= failureRatio * calls;
  }

  reset(): void {
    this.#counts.fill(0);
    this.#total = 0;
  }

  /** Three numbers per step that saw a call, oldest first: step, successes, failures. */
  save(): number[] {
    const saved: number[] = [];
    const oldest = Math.max(0, this.#step - this.#counts.length + 1);
    for (let step = oldest; step <= this.#step; step += 1) {
      const count = this.#counts[step % this.#counts.length] ?? 0;
      if (count > 0) saved.push(step, successesOf(count), failuresOf(count));
    }
    return saved;
  }

  load(saved: readonly number[]): void {
    this.reset();
    this.#step = 0;
    for (let at = 0; at + 2 < saved.length; at += 3) {
      this.#moveTo(saved[at] ?? 0);
      this.#add((saved[at + 1] ?? 0) * SUCCESS + (saved[at + 2] ?? 0) * FAILURE);
    }
  }

  #stepAt(nowMs: number): number {
    return Math.floor((nowMs * this.#counts.length) / this.#options.windowMs);
  }

  /** Forgets the steps that fall out of the window. A time that lags behind counts into the newest step. */
  #moveTo(step: number): void {
    if (step - this.#step >= this.#counts.length) {
      this.reset();
      this.#step = step;
    }
    while (this.#step < step) {
      this.#step += 1;
      this.#add(-(this.#counts[this.#step % this.#counts.length] ?? 0));
    }
  }

  #add(count: number): void {
    const at = this.#step % this.#counts.length;
    this.#counts[at] = (this.#counts[at] ?? 0) + count;
    this.#total += count;
  }
}
