import type { Random } from './backoff.ts';
import type { BreakerOptions, BreakerSnapshot } from './breaker/breaker-state.ts';
import { CircuitBreaker } from './breaker/circuit-breaker.ts';
import { Bulkhead, type BulkheadOptions } from './bulkhead/bulkhead.ts';
import type { Classify } from './classification.ts';
import type { Clock } from './clock.ts';
import type { Policies } from './compose/compose.ts';
import { createRateLimiter, type RateLimitOptions } from './rate-limit.ts';
import type { RetryPolicy } from './retry.ts';

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

export interface PolicySetup {
  readonly classify: Classify;
  readonly isFailure?: BreakerOptions['isFailure'];
  readonly breakerSnapshot?: BreakerSnapshot | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
}

/**
 * Makes working policies of a profile: one set per service, or per worker.
 *
 * @example
 * import { createPolicies, guarded } from '@taleback/resilience';
 * const policies = createPolicies(guarded, { classify: () => ({ retryable: false }) });
 * console.log(policies.breaker?.status().state, policies.timeoutMs); // CLOSED 15000
 */
export function createPolicies(
  profile: ResilienceProfile,
  setup: PolicySetup,
): Policies & { readonly breaker: CircuitBreaker } {
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

/** An unbounded queue only hides a slow provider; 100 jobs are over half an hour at 3 at a time and 60 s each. */
const MAX_QUEUED = 100;

/** 1, 2, 4 s. Clients that failed together return apart, and none before half its delay. */
const PROVIDER_BACKOFF = {
  kind: 'exponential',
  initialMs: 1_000,
  factor: 2,
  maxMs: 4_000,
  jitter: 'equal',
} as const;
const THREE_AT_A_TIME = { maxConcurrent: 3, maxQueued: MAX_QUEUED };
const FIVE_IN_A_ROW = { kind: 'consecutive', failures: 5 } as const;

/** A Kokoro server over HTTP. @see docs/origins.md#retries */
export const kokoro = {
  name: 'kokoro',
  timeoutMs: 60_000,
  retry: { maxAttempts: 4, backoff: PROVIDER_BACKOFF },
  bulkhead: THREE_AT_A_TIME,
  breaker: { strategy: FIVE_IN_A_ROW, cooldownMs: 60_000, halfOpenSuccesses: 2 },
} as const satisfies ResilienceProfile;

/** The ElevenLabs API: one retry less. @see docs/origins.md#retries */
export const elevenlabs = {
  ...kokoro,
  name: 'elevenlabs',
  retry: { maxAttempts: 3, backoff: PROVIDER_BACKOFF },
} as const satisfies ResilienceProfile;

/** The Edge voices, a service without any guarantee. @see docs/origins.md#breaker-status */
export const edge = {
  name: 'edge',
  timeoutMs: 60_000,
  retry: { maxAttempts: 3, backoff: PROVIDER_BACKOFF },
  bulkhead: THREE_AT_A_TIME,
  breaker: { strategy: FIVE_IN_A_ROW, cooldownMs: 300_000, halfOpenSuccesses: 1 },
  breakerCounts: 'requests', // a failure is recorded after all retries
} as const satisfies ResilienceProfile;

/** A service on the same machine, which retries could bring down. @see docs/origins.md#guarded-profile */
export const guarded = {
  name: 'guarded',
  timeoutMs: 15_000,
  retry: {
    maxAttempts: 2,
    // 4 to 16 s; jitter never goes below 4 s.
    backoff: {
      kind: 'exponential',
      initialMs: 4_000,
      factor: 2,
      minMs: 4_000,
      maxMs: 16_000,
      jitter: 'full',
    },
  },
  bulkhead: { maxConcurrent: 2, maxQueued: MAX_QUEUED },
  breaker: { strategy: FIVE_IN_A_ROW, cooldownMs: 300_000, halfOpenSuccesses: 2 },
  // In any minute, so not a bucket that may burst to 20.
  rateLimit: { kind: 'sliding-window', permits: 10, windowMs: 60_000 },
} as const satisfies ResilienceProfile;

/** One worker process of the pool, whose manager queues and retries on another worker. @see docs/origins.md#worker-breaker */
export const worker = {
  name: 'worker',
  timeoutMs: 10_000,
  breaker: {
    // A worker makes a few calls a minute, so the window counts calls, not time, and forgets a bad model in minutes.
    strategy: { kind: 'count-window', failureRatio: 0.5, size: 20, minimumCalls: 5 },
    cooldownMs: 60_000,
    halfOpenSuccesses: 2,
  },
} as const satisfies ResilienceProfile;
