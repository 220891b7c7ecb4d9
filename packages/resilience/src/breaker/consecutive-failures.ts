import type { BreakerStrategy } from './strategy.ts';

/** The breaker counts failures in a row anyway, for its status; this strategy only compares. */
export class ConsecutiveFailures implements BreakerStrategy {
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
