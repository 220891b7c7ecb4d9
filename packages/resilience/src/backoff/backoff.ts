import { checkNumber } from '../checks/index.ts';

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
