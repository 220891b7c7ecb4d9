import { assertNever, checkNumber } from './checks.ts';

/**
 * How chance spreads a delay `d`, so that clients which failed together do not come back together:
 * none: exactly `d` · full: anywhere in [0, d) · equal: anywhere in [d/2, d).
 *
 * @see Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015
 */
export type Jitter = 'none' | 'full' | 'equal';

/** Random numbers in [0, 1), as Math.random gives. */
export type Random = () => number;

/** `initialMs`, doubled (or times `factor`) per retry, never above `maxMs`. */
export interface ExponentialBackoff {
  readonly kind: 'exponential';
  /** Delay before the first retry, ms. */
  readonly initialMs: number;
  /** Growth per retry, at least 1. Default 2. */
  readonly factor?: number;
  /** Cap, ms. */
  readonly maxMs: number;
  /** Floor under the jitter, ms: chance never brings a delay below it. Default 0. */
  readonly minMs?: number;
  readonly jitter: Jitter;
}

/** Delays written out one by one; retries past the end repeat the last. */
export interface ScheduledBackoff {
  readonly kind: 'schedule';
  /** ms, at least one entry. */
  readonly delaysMs: readonly number[];
  readonly jitter: Jitter;
}

/** A backoff is data: it can be logged, compared and kept in a profile. */
export type Backoff = ExponentialBackoff | ScheduledBackoff;

/** @throws {RangeError} naming the field that cannot be used */
export function checkBackoff(backoff: Backoff): void {
  if (backoff.kind === 'schedule') {
    if (backoff.delaysMs.length === 0) throw new RangeError('backoff.delaysMs must not be empty');
    for (const [index, delayMs] of backoff.delaysMs.entries()) {
      checkNumber(`backoff.delaysMs[${index}]`, delayMs, 0);
    }
    return;
  }
  checkNumber('backoff.initialMs', backoff.initialMs, 0);
  checkNumber('backoff.factor', backoff.factor ?? 2, 1);
  checkNumber('backoff.maxMs', backoff.maxMs, 0);
  checkNumber('backoff.minMs', backoff.minMs ?? 0, 0, backoff.maxMs);
}

export interface DelayBounds {
  readonly minMs: number;
  /** Reached only without jitter; with jitter the delay stays below it. */
  readonly maxMs: number;
}

/**
 * The delay before retry `retry` (1-based: 1 follows the first attempt) without chance, ms.
 * exponential: `clamp(minMs, initialMs * factor^(retry - 1), maxMs)` · schedule: the entry, or the last one.
 */
export function nominalDelayMs(backoff: Backoff, retry: number): number {
  if (backoff.kind === 'schedule') {
    return backoff.delaysMs[Math.min(retry, backoff.delaysMs.length) - 1] ?? 0;
  }
  // 0 * Infinity is NaN: an initial delay of 0 stays 0 however late the retry.
  const grown = backoff.initialMs === 0 ? 0 : backoff.initialMs * (backoff.factor ?? 2) ** (retry - 1);
  return Math.max(backoff.minMs ?? 0, Math.min(backoff.maxMs, grown));
}

/** Where the delay before retry `retry` lies, ms. */
export function delayBounds(backoff: Backoff, retry: number): DelayBounds {
  const nominalMs = nominalDelayMs(backoff, retry);
  const floorMs = backoff.kind === 'exponential' ? (backoff.minMs ?? 0) : 0;
  switch (backoff.jitter) {
    case 'none':
      return { minMs: nominalMs, maxMs: nominalMs };
    case 'full':
      return { minMs: floorMs, maxMs: nominalMs };
    case 'equal':
      return { minMs: Math.max(floorMs, nominalMs / 2), maxMs: nominalMs };
    default:
      return assertNever(backoff.jitter);
  }
}

/** The delay before retry `retry`, spread by jitter, ms: `minMs + random * (maxMs - minMs)` of its bounds. */
export function backoffDelayMs(backoff: Backoff, retry: number, random: Random = Math.random): number {
  const { minMs, maxMs } = delayBounds(backoff, retry);
  return minMs === maxMs ? minMs : minMs + random() * (maxMs - minMs);
}

/** The first `retries` delays without chance, ms: the schedule as people read it. */
export function backoffSchedule(backoff: Backoff, retries: number): number[] {
  return Array.from({ length: retries }, (_, index) => nominalDelayMs(backoff, index + 1));
}
