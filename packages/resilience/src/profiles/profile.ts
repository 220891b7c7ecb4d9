import type { BreakerOptions } from '../breaker/index.ts';
import type { BulkheadOptions } from '../bulkhead/index.ts';
import type { RateLimitOptions } from '../rate-limit/index.ts';
import type { RetryPolicy } from '../retry/index.ts';

/** The numbers one kind of service is called with. Plain data; `createPolicies` makes working policies of it. */
export interface ResilienceProfile {
  readonly name: string;
  /** Time for one attempt, ms. */
  readonly timeoutMs: number;
  readonly breaker: BreakerOptions;
  /** What is one call of the breaker. Default 'attempts'. */
  readonly breakerCounts?: 'attempts' | 'requests';
  /** Absent: one attempt. */
  readonly retry?: RetryPolicy;
  /** Absent: no cap. */
  readonly bulkhead?: BulkheadOptions;
  /** Absent: no limit. */
  readonly rateLimit?: RateLimitOptions;
}
