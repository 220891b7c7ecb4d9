import { kokoro, type ResilienceProfile } from '@taleback/resilience';

const { backoff } = kokoro.retry;

/** How RunPod is called: seed 000's retries and breaker for HTTP engines. */
export const runpodProfile = {
  name: 'runpod',
  // Handing over a job takes RunPod well under a second; it is not the time of the synthesis.
  timeoutMs: 10_000,
  retry: {
    maxAttempts: 4, // seed 000: 3 retries after 1, 2 and 4 s, with jitter
    backoff,
    // A longer Retry-After is better spent in the queue than in a function that waits.
    maxRetryAfterMs: 20_000,
    budgetMs: 60_000,
  },
  breaker: kokoro.breaker,
} as const satisfies ResilienceProfile;
