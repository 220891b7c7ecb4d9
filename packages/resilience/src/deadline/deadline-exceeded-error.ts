import { ResilienceError } from '../errors/index.ts';

/** The call took longer than it was given. Also the reason of the signal that the call was given. */
export class DeadlineExceededError extends ResilienceError {
  readonly timeoutMs: number;

  constructor(timeoutMs: number) {
    super(`The call took longer than ${timeoutMs} ms`, {
      code: 'deadline-exceeded',
      category: 'timeout',
      retryAfterMs: undefined,
      details: { timeoutMs },
    });
    this.timeoutMs = timeoutMs;
  }
}
