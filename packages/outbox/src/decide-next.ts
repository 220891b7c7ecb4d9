import {
  type Backoff,
  backoffDelayMs,
  type Classification,
  classifyHttpStatus,
  type Random,
} from '@taleback/resilience';
import type { FailedDelivery, FailedTry, PostAnswer, TryOutcome } from './message.ts';

/** How long and how often a message is tried. */
export interface OutboxPolicy {
  /** Waits between the attempts of one message. */
  readonly backoff: Backoff;
  /** Age at which a message is given up; it is tried at least once in each life of the process, ms. */
  readonly deadlineMs: number;
  /** How long 401 is taken for a secret that is being replaced, ms. */
  readonly unauthorizedMs: number;
  /** Whether an answer is worth another attempt. Default: the rules of callbacks, below. */
  readonly classify?: ((answer: PostAnswer, nowMs: number) => Classification) | undefined;
}

/** What is known of a message when an attempt has failed. Times are of one clock, ms. */
export interface TryFacts {
  /** Attempts in this life of the process, the one that failed included. */
  readonly attempts: number;
  /** When the message was written, or first tried if that was earlier, so that a clock set back makes none immortal. */
  readonly sinceMs: number;
  /** When the 401s began that the last attempt continues, if it does. */
  readonly unauthorizedSinceMs: number | undefined;
  readonly nowMs: number;
}

export type Next =
  | {
      readonly kind: 'wait';
      readonly untilMs: number;
      /** Not even a receiver that works again moves it before this: it was asked for. */
      readonly notBeforeMs: number;
      /** The receiver asked for quiet, so nothing else is sent there either. */
      readonly pauseUntilMs: number | undefined;
    }
  | { readonly kind: 'give-up'; readonly why: 'refused' | 'expired'; readonly delivery: FailedDelivery };

const UNAUTHORIZED = 401;
/** Also what proxies, firewalls and half-made deployments answer in a receiver's place. */
const AMBIGUOUS: ReadonlySet<number> = new Set([403, 404, 405]);
/** How our receiver begins a refusal. */
const OWN_REFUSAL = '{"success":false';
/** About the receiver as a whole, not about one message. */
const BUSY: ReadonlySet<number> = new Set([429, 503]);
/** Longest time that one answer may silence everything else to the receiver, ms. */
const MAX_PAUSE_MS = 300_000;

/** Whether it may not be the receiver's last word: a secret is being replaced, or something else answers in its place. */
export const mayBeMistaken = (outcome: TryOutcome): boolean =>
  outcome.kind === 'not-accepted' &&
  (outcome.status === UNAUTHORIZED ||
    (AMBIGUOUS.has(outcome.status) && !outcome.excerpt.startsWith(OWN_REFUSAL)));

const classify = (
  outcome: FailedTry,
  { nowMs, unauthorizedSinceMs = nowMs }: TryFacts,
  policy: OutboxPolicy,
): Classification => {
  if (outcome.kind === 'address-refused') return { retryable: false };
  if (outcome.kind === 'unanswered') return { retryable: true };
  if (policy.classify !== undefined) return policy.classify(outcome, nowMs);
  if (mayBeMistaken(outcome)) return { retryable: nowMs - unauthorizedSinceMs < policy.unauthorizedMs };
  return classifyHttpStatus(outcome.status, outcome.retryAfter, nowMs);
};

/**
 * Decides what follows an attempt that failed. The wait is the backoff's or the Retry-After, whichever is longer, but ends at the
 * deadline, where a last attempt is made.
 */
export const decideNext = (
  outcome: FailedTry,
  facts: TryFacts,
  policy: OutboxPolicy,
  random: Random,
): Next => {
  const { attempts, nowMs } = facts;
  const { retryable, retryAfterMs = 0 } = classify(outcome, facts, policy);
  const delivery: FailedDelivery =
    outcome.kind === 'not-accepted'
      ? { kind: 'refused', status: outcome.status, excerpt: outcome.excerpt }
      : { kind: 'undeliverable', attempts, cause: outcome.cause };
  if (!retryable) return { kind: 'give-up', why: 'refused', delivery };
  const deadlineMs = facts.sinceMs + policy.deadlineMs;
  if (nowMs >= deadlineMs) return { kind: 'give-up', why: 'expired', delivery };
  const isBusy = outcome.kind === 'not-accepted' && BUSY.has(outcome.status) && retryAfterMs > 0;
  const delayMs = Math.max(retryAfterMs, backoffDelayMs(policy.backoff, attempts, random));
  return {
    kind: 'wait',
    untilMs: Math.min(deadlineMs, nowMs + delayMs),
    notBeforeMs: Math.min(deadlineMs, nowMs + retryAfterMs),
    pauseUntilMs: isBusy ? nowMs + Math.min(retryAfterMs, MAX_PAUSE_MS) : undefined,
  };
};
