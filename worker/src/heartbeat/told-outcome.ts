import { classifyHttpStatus } from '@taleback/resilience';
import type { TryOutcome } from '@taleback/outbox/src/callbacks-index.ts';

/** How one report was taken, as far as the next one depends on it. */
export interface ToldOutcome {
  readonly isTold: boolean;
  /** The same for outcomes that need no second line in the log. */
  readonly kind: string;
  readonly words: string;
  /** False when the very same report would be refused again. */
  readonly isWorthAnother: boolean;
  /** What the receiver asked to be left alone for, ms. */
  readonly retryAfterMs: number | undefined;
}

export const readOutcome = (outcome: TryOutcome, nowMs: number): ToldOutcome => {
  switch (outcome.kind) {
    case 'accepted':
      return { isTold: true, kind: 'told', words: '', isWorthAnother: true, retryAfterMs: undefined };
    case 'not-accepted': {
      const { retryable, retryAfterMs } = classifyHttpStatus(outcome.status, outcome.retryAfter, nowMs);
      return {
        isTold: false,
        kind: `answered ${outcome.status}`,
        words: `answered ${outcome.status}: ${outcome.excerpt}`,
        isWorthAnother: retryable,
        retryAfterMs,
      };
    }
    case 'unanswered':
      return {
        isTold: false,
        kind: outcome.kind,
        words: outcome.cause,
        isWorthAnother: true,
        retryAfterMs: undefined,
      };
    case 'address-refused':
      return {
        isTold: false,
        kind: outcome.kind,
        words: outcome.cause,
        isWorthAnother: false,
        retryAfterMs: undefined,
      };
    default:
      return outcome satisfies never;
  }
};
