import { backoffDelayMs, classifyHttpStatus, type Random } from '@taleback/resilience';
import type { FailedDelivery, TryOutcome } from './callbacks-index.ts';
import type { OutboxPolicy } from './outbox-policy.ts';

/** What is known of a message when a try of it has ended. Times are of one clock, ms. */
export interface TryFacts {
  /** Tries in this life of the process, the one that ended included. */
  readonly attempts: number;
  /** When the message was written, or first tried if that was earlier: a clock that was set back makes none immortal. */
  readonly sinceMs: number;
  /** When the 401s began that the last try continues, if it does. */
  readonly unauthorizedSinceMs: number | undefined;
  readonly nowMs: number;
}

export type Next =
  | { readonly kind: 'delivered' }
  | {
      readonly kind: 'wait';
      readonly untilMs: number;
      /** Not even a receiver that works again brings it forward: it was asked for. */
      readonly notBeforeMs: number;
      /** The receiver asked for quiet, so nothing else is sent there either. */
      readonly pauseUntilMs: number | undefined;
      readonly cause: string;
    }
  | { readonly kind: 'give-up'; readonly why: 'refused' | 'expired'; readonly delivery: FailedDelivery };

const UNAUTHORIZED = 401;
/** Also what proxies, firewalls and half-made deployments answer in a receiver's place. */
const AMBIGUOUS: ReadonlySet<number> = new Set([403, 404, 405]);
/** How our receiver begins a refusal. */
const OWN_REFUSAL = '{"success":false';
/** Said of the receiver as a whole, not of one message. */
const BUSY: ReadonlySet<number> = new Set([429, 503]);
/** Longest time that one answer may silence everything else to the receiver, ms. */
const MAX_PAUSE_MS = 300_000;

const causeOf = (outcome: Exclude<TryOutcome, { kind: 'accepted' }>): string =>
  outcome.kind === 'not-accepted' ? `answered ${outcome.status}: ${outcome.excerpt}` : outcome.cause;

/** Whether it may not be the receiver's last word: a secret is being replaced, or somebody else answers in its place. */
export const mayBeMistaken = (outcome: TryOutcome): boolean =>
  outcome.kind === 'not-accepted' &&
  (outcome.status === UNAUTHORIZED ||
    (AMBIGUOUS.has(outcome.status) && !outcome.excerpt.startsWith(OWN_REFUSAL)));

/** Whether the same message may succeed later, and what the receiver asked for. */
const judge = (
  outcome: Exclude<TryOutcome, { kind: 'accepted' }>,
  { nowMs, unauthorizedSinceMs = nowMs }: TryFacts,
  policy: OutboxPolicy,
): { readonly retryable: boolean; readonly retryAfterMs?: number | undefined } => {
  if (outcome.kind === 'address-refused') return { retryable: false };
  if (outcome.kind === 'unanswered') return { retryable: true };
  if (mayBeMistaken(outcome)) return { retryable: nowMs - unauthorizedSinceMs < policy.unauthorizedMs };
  return classifyHttpStatus(outcome.status, outcome.retryAfter, nowMs);
};

const deliveryOf = (outcome: Exclude<TryOutcome, { kind: 'accepted' }>, attempts: number): FailedDelivery =>
  outcome.kind === 'not-accepted'
    ? { kind: 'refused', status: outcome.status, excerpt: outcome.excerpt }
    : { kind: 'undeliverable', attempts, cause: outcome.cause };

/**
 * Decides what follows a try. The wait is the backoff's or the Retry-After, whichever is longer, but ends at the deadline:
 * there a last try is made.
 */
export const decideNext = (
  outcome: TryOutcome,
  facts: TryFacts,
  policy: OutboxPolicy,
  random: Random,
): Next => {
  if (outcome.kind === 'accepted') return { kind: 'delivered' };
  const { attempts, nowMs } = facts;
  const { retryable, retryAfterMs = 0 } = judge(outcome, facts, policy);
  const delivery = deliveryOf(outcome, attempts);
  if (!retryable) return { kind: 'give-up', why: 'refused', delivery };
  const deadlineMs = facts.sinceMs + policy.deadlineMs;
  if (nowMs >= deadlineMs) return { kind: 'give-up', why: 'expired', delivery };
  const isBusy = outcome.kind === 'not-accepted' && BUSY.has(outcome.status) && retryAfterMs > 0;
  return {
    kind: 'wait',
    untilMs: Math.min(
      deadlineMs,
      nowMs + Math.max(retryAfterMs, backoffDelayMs(policy.backoff, attempts, random)),
    ),
    notBeforeMs: Math.min(deadlineMs, nowMs + retryAfterMs),
    pauseUntilMs: isBusy ? nowMs + Math.min(retryAfterMs, MAX_PAUSE_MS) : undefined,
    cause: causeOf(outcome),
  };
};
