import { ResilienceError } from '../errors/index.ts';

/** For callers that prefer exceptions; the limiters themselves answer with data. */
export class RateLimitedError extends ResilienceError {
  constructor(retryAfterMs: number | undefined) {
    super('The rate limit is used up', {
      code: 'rate-limited',
      category: 'protection',
      retryAfterMs,
      details: {},
    });
  }
}
