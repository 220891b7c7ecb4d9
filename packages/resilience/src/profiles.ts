import type { BreakerOptions } from './breaker/breaker-options.ts';
import type { BulkheadOptions } from './bulkhead/bulkhead.ts';
import type { RateLimitOptions } from './rate-limit.ts';
import type { RetryPolicy } from './retry/retry-policy.ts';

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

/**
 * No seed bounds its queue, and an unbounded one only hides that a provider is too slow. 100 waiting jobs are over
 * half an hour of work at 3 at a time and 60 s each.
 */
const MAX_QUEUED = 100;

/** A Kokoro server over HTTP. */
export const kokoro = {
  name: 'kokoro',
  timeoutMs: 60_000, // seed 000: REQUEST_TIMEOUT 60000 ms, down from 180 s
  retry: {
    maxAttempts: 4, // seed 000: MAX_RETRIES 3, after the first attempt
    backoff: {
      kind: 'exponential',
      initialMs: 1_000, // seed 000: RETRY_DELAY_BASE 1000 ms
      factor: 2, // seed 000: exponential backoff 1 s, 2 s, 4 s
      maxMs: 4_000, // seed 000: 4 s is the last of its delays
      jitter: 'equal', // clients that failed together come back apart, and never before half the seed's delay
    },
  },
  bulkhead: {
    maxConcurrent: 3, // seed 000: MAX_CONCURRENT_REQUESTS 3
    maxQueued: MAX_QUEUED,
  },
  breaker: {
    strategy: { kind: 'consecutive', failures: 5 }, // seed 000: CIRCUIT_BREAKER_THRESHOLD 5 failures
    cooldownMs: 60_000, // seed 000: CIRCUIT_BREAKER_TIMEOUT 60000 ms
    halfOpenSuccesses: 2, // seed 000: CIRCUIT_BREAKER_SUCCESS_THRESHOLD 2 successes
  },
} as const satisfies ResilienceProfile;

/** The ElevenLabs API: Kokoro's numbers where seed 000 gives it none of its own. */
export const elevenlabs = {
  name: 'elevenlabs',
  timeoutMs: 60_000, // seed 000: ElevenLabs REQUEST_TIMEOUT 60000 ms
  retry: {
    maxAttempts: 3, // seed 000: ElevenLabs MAX_RETRIES 2, after the first attempt
    backoff: {
      kind: 'exponential',
      initialMs: 1_000, // seed 000: ElevenLabs RETRY_DELAY_BASE 1000 ms
      factor: 2, // seed 000: exponential backoff
      maxMs: 4_000, // seed 000: 4 s is the last of its delays
      jitter: 'equal',
    },
  },
  bulkhead: {
    maxConcurrent: 3, // seed 000: at most 3 concurrent TTS requests
    maxQueued: MAX_QUEUED,
  },
  breaker: {
    strategy: { kind: 'consecutive', failures: 5 }, // seed 000: opens after 5 consecutive failures
    cooldownMs: 60_000, // seed 000: 60-second cooldown
    halfOpenSuccesses: 2, // seed 000: 2 successful requests to fully close
  },
} as const satisfies ResilienceProfile;

/** The Edge voices, a service that nobody promised us. */
export const edge = {
  name: 'edge',
  timeoutMs: 60_000, // seed 000: 60 seconds; seed 002 gives none
  retry: {
    maxAttempts: 3, // seed 002: "attempt 1/3", "All 3 retries failed" per voice
    backoff: {
      kind: 'exponential',
      initialMs: 1_000, // seed 000: 1 s, 2 s, 4 s; seed 002 gives none
      factor: 2, // seed 000
      maxMs: 4_000, // seed 000
      jitter: 'equal',
    },
  },
  bulkhead: {
    maxConcurrent: 3, // seed 000: at most 3 concurrent TTS requests
    maxQueued: MAX_QUEUED,
  },
  breaker: {
    strategy: { kind: 'consecutive', failures: 5 }, // seed 002: CIRCUIT_BREAKER_THRESHOLD 5
    cooldownMs: 300_000, // seed 002: CIRCUIT_BREAKER_TIMEOUT 300 s
    halfOpenSuccesses: 1, // seed 002: HALF_OPEN to CLOSED on one successful request
  },
  breakerCounts: 'requests', // seed 002: record_failure "on failure (after all retries)"
} as const satisfies ResilienceProfile;

/** A service on the same machine, which retries could bring down. */
export const guarded = {
  name: 'guarded',
  timeoutMs: 15_000, // seed 003: HTTP timeouts reduced from 30 s to 15 s
  retry: {
    maxAttempts: 2, // seed 003: maximum 2 attempts
    backoff: {
      kind: 'exponential',
      initialMs: 4_000, // seed 003: exponential backoff from 4 s
      factor: 2, // seed 003: exponential
      minMs: 4_000, // seed 003: no jitter brings it below 4 s
      maxMs: 16_000, // seed 003: up to 16 s
      jitter: 'full',
    },
  },
  bulkhead: {
    maxConcurrent: 2, // seed 003: MAX_CONCURRENT_JOBS=2
    maxQueued: MAX_QUEUED,
  },
  breaker: {
    strategy: { kind: 'consecutive', failures: 5 }, // seed 003: _max_failures = 5
    cooldownMs: 300_000, // seed 003: _reset_timeout = 300 s
    halfOpenSuccesses: 2, // seed 000; seed 003 gives none
  },
  // seed 003: _max_requests_per_minute = 10, meant for any minute, so not a bucket that may burst to 20
  rateLimit: { kind: 'sliding-window', permits: 10, windowMs: 60_000 },
} as const satisfies ResilienceProfile;

/** One worker process of the pool. The manager queues, and tries another worker instead of the same one again. */
export const worker = {
  name: 'worker',
  timeoutMs: 10_000, // seed 004: timeoutMs 10000, the request timeout
  breaker: {
    strategy: {
      kind: 'count-window', // seed 004: sliding window analysis
      failureRatio: 0.5, // seed 004: failureThreshold 0.5, a 50 % failure rate
      // Seed 004 gives no size. A worker makes a few calls a minute, so the window counts calls, not time, and is short
      // enough to forget a bad model within minutes.
      size: 20,
      minimumCalls: 5, // seeds 000, 002, 003 need 5 failures; fewer calls than that say nothing here either
    },
    cooldownMs: 60_000, // seed 004: resetTimeoutMs 60000
    halfOpenSuccesses: 2, // seed 004: "success >= threshold" without a number; seed 000: 2
  },
} as const satisfies ResilienceProfile;
