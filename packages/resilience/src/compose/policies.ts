import type { Random } from '../backoff.ts';
import type { BreakerOptions } from '../breaker/breaker-options.ts';
import type { BreakerSnapshot } from '../breaker/breaker-snapshot.ts';
import { CircuitBreaker } from '../breaker/circuit-breaker.ts';
import { Bulkhead } from '../bulkhead/bulkhead.ts';
import type { Clock } from '../clock.ts';
import type { ResilienceProfile } from '../profiles.ts';
import { type KeyedRateLimiter, type RateLimiter, createRateLimiter } from '../rate-limit.ts';
import type { Classify } from '../retry/classification.ts';
import type { RetryPolicy } from '../retry/retry-policy.ts';
import type { RetryNotice } from '../retry/retry.ts';

/** What `compose` puts around a call. Every part may be absent; the same part may serve several compositions. */
export interface Policies {
  /** Calls per tenant, counted once per request. */
  readonly tenantLimit?: KeyedRateLimiter | undefined;
  readonly bulkhead?: Bulkhead | undefined;
  /** Absent: one attempt. */
  readonly retry?: RetryPolicy | undefined;
  /** Which errors are worth another attempt. Default: none. */
  readonly classify?: Classify | undefined;
  readonly breaker?: CircuitBreaker | undefined;
  /** Whether every attempt is a call of the breaker, or a request with all its attempts. Default 'attempts'. */
  readonly breakerCounts?: 'attempts' | 'requests' | undefined;
  /** Calls to the service, counted once per attempt. */
  readonly rateLimit?: RateLimiter | undefined;
  /** Time for one attempt, ms. Default: no limit. */
  readonly timeoutMs?: number | undefined;
  readonly onRetry?: ((notice: RetryNotice) => void) | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
}

export interface PolicySetup {
  readonly classify: Classify;
  readonly isFailure?: BreakerOptions['isFailure'];
  readonly breakerSnapshot?: BreakerSnapshot | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
}

/** Makes working policies of a profile: one set per service, or per worker. */
export function createPolicies(profile: ResilienceProfile, setup: PolicySetup): Policies {
  const { classify, isFailure, breakerSnapshot: snapshot, clock, random } = setup;
  const breakerOptions = isFailure === undefined ? profile.breaker : { ...profile.breaker, isFailure };
  return {
    bulkhead: profile.bulkhead && new Bulkhead(profile.bulkhead),
    retry: profile.retry,
    classify,
    breaker: new CircuitBreaker(breakerOptions, { clock, snapshot }),
    breakerCounts: profile.breakerCounts,
    rateLimit: profile.rateLimit && createRateLimiter(profile.rateLimit, clock),
    timeoutMs: profile.timeoutMs,
    clock,
    random,
  };
}
