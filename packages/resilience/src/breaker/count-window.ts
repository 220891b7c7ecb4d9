import type { BreakerStrategy, CountWindowOptions } from './strategy.ts';

/** The last calls as a ring of bits, 1 for a failure: 100 calls take 4 numbers. */
export class CountWindow implements BreakerStrategy {
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
