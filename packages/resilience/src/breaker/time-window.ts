import type { BreakerStrategy, TimeWindowOptions } from './strategy.ts';

/**
 * A count of calls in one number, which adds and subtracts as a whole: successes below 2^26, failures above. Both
 * reach 67 million per step, and a window of 10 steps takes 10 numbers.
 */
const SUCCESS = 1;
const FAILURE = 2 ** 26;
const successesOf = (count: number): number => count % FAILURE;
const failuresOf = (count: number): number => Math.floor(count / FAILURE);

/** Calls counted per step of time, in a ring of steps. Steps are numbered from the epoch, so a saved window fits again. */
export class TimeWindow implements BreakerStrategy {
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
