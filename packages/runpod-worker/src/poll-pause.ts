import { type Backoff, backoffDelayMs, parseRetryAfter, type Random } from '@taleback/resilience';
import { MAX_RETRY_AFTER_MS, POLL_BACKOFF, THROTTLED_MS } from './pacing.ts';

/** What matters of a poll for the pause after it. */
export type PollEnd =
  | { readonly kind: 'found' }
  | { readonly kind: 'none' }
  | { readonly kind: 'throttled'; readonly retryAfter: string | undefined }
  | { readonly kind: 'failed' };

export interface PollTiming {
  /** From the beginning of the poll to now, ms. */
  readonly tookMs: number;
  /** From the beginning of an empty poll to the next one at least, ms. */
  readonly emptySpacingMs: number;
  /** Failed polls in a row, this one included. */
  readonly failures: number;
  /** Epoch milliseconds, for a Retry-After that is a date. */
  readonly nowMs: number;
  readonly random: Random;
  readonly backoff?: Backoff;
}

/** The pause between a poll that just ended and the next one, ms. */
export const pauseAfterPoll = (end: PollEnd, timing: PollTiming): number => {
  switch (end.kind) {
    case 'found':
      return 0;
    case 'none':
      return Math.max(0, timing.emptySpacingMs - timing.tookMs);
    case 'throttled': {
      const askedMs = parseRetryAfter(end.retryAfter, timing.nowMs) ?? 0;
      return Math.max(THROTTLED_MS, Math.min(askedMs, MAX_RETRY_AFTER_MS));
    }
    case 'failed':
      return backoffDelayMs(timing.backoff ?? POLL_BACKOFF, timing.failures, timing.random);
    default:
      return end satisfies never;
  }
};
