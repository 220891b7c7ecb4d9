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
  /** Fewer calls than this in the window say nothing, at least 1. */
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

/** Decides whether failures are too many while the breaker is closed. Knows nothing of the breaker's states. */
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
