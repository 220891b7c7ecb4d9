import { assertNever, checkNumber } from './checks.ts';

/**
 * How chance spreads a delay `d`, so that clients which failed together do not return together:
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
  /** Floor under the jitter, ms. Default 0. */
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

/** Plain data: it can be logged, compared and kept in a profile. */
export type Backoff = ExponentialBackoff | ScheduledBackoff;

/** @throws {RangeError} naming the field that is out of range */
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

/**
 * The delay before retry `retry` (1 follows the first attempt) without jitter, ms.
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

/** Where the delay before retry `retry` lies, ms. With jitter it stays below `maxMs`. */
export function delayBounds(backoff: Backoff, retry: number): { minMs: number; maxMs: number } {
  const maxMs = nominalDelayMs(backoff, retry);
  const floorMs = backoff.kind === 'exponential' ? (backoff.minMs ?? 0) : 0;
  switch (backoff.jitter) {
    case 'none':
      return { minMs: maxMs, maxMs };
    case 'full':
      return { minMs: floorMs, maxMs };
    case 'equal':
      return { minMs: Math.max(floorMs, maxMs / 2), maxMs };
    default:
      return assertNever(backoff.jitter);
  }
}

/**
 * The delay before retry `retry`, spread by jitter, ms.
 *
 * @example
 * import { backoffDelayMs } from '@taleback/resilience';
 * const backoff = { kind: 'exponential', initialMs: 1_000, maxMs: 4_000, jitter: 'equal' } as const;
 * console.log(backoffDelayMs(backoff, 2)); // between 1000 and 2000
 */
export function backoffDelayMs(backoff: Backoff, retry: number, random: Random = Math.random): number {
  const { minMs, maxMs } = delayBounds(backoff, retry);
  return minMs === maxMs ? minMs : minMs + random() * (maxMs - minMs);
}

/**
 * The first `retries` delays without jitter, ms: the schedule as people read it.
 *
 * @example
 * import { backoffSchedule, kokoro } from '@taleback/resilience';
 * console.log(backoffSchedule(kokoro.retry.backoff, 3)); // [1000, 2000, 4000]
 */
export function backoffSchedule(backoff: Backoff, retries: number): number[] {
  return Array.from({ length: retries }, (_, index) => nominalDelayMs(backoff, index + 1));
}
