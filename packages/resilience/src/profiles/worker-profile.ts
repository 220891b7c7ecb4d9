import type { ResilienceProfile } from './profile.ts';

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
