import { checkNumber } from '../checks/index.ts';
import { type Clock, systemClock } from '../clock/index.ts';
import { DeadlineScope } from './deadline-scope.ts';

/** @see seed 000: REQUEST_TIMEOUT 60000 ms, down from 180 s, to find failures sooner */
export const DEFAULT_TIMEOUT_MS = 60_000;

export interface DeadlineOptions {
  /** Ends the call as well. */
  readonly signal?: AbortSignal | undefined;
  readonly clock?: Clock | undefined;
}

export type DeadlineOutcome<T> =
  | { readonly kind: 'completed'; readonly value: T }
  | { readonly kind: 'timed-out'; readonly timeoutMs: number }
  | { readonly kind: 'aborted'; readonly reason: unknown };

/**
 * Gives `call` at most `timeoutMs` and a signal that aborts when the time is up or the outer signal aborts. A call
 * that ignores its signal is left behind at that moment; its late result is dropped.
 *
 * @throws {DeadlineExceededError} (as a rejection) when the time is up; the outer signal's reason when it aborts; else
 *   what the call throws
 * @throws {RangeError} when `timeoutMs` is not over 0
 */
export function withDeadline<T>(
  call: (signal: AbortSignal) => PromiseLike<T>,
  timeoutMs: number = DEFAULT_TIMEOUT_MS,
  { signal, clock = systemClock }: DeadlineOptions = {},
): Promise<T> {
  const scope = createScope<T>(timeoutMs, signal);
  return scope.run(clock, ({ signal: inner }) => call(inner));
}

/**
 * `withDeadline` with its expected ends as data. Rejects only with what the call itself throws.
 *
 * @throws {RangeError} (as a rejection) when `timeoutMs` is not over 0
 */
export async function tryWithDeadline<T>(
  call: (signal: AbortSignal) => PromiseLike<T>,
  timeoutMs: number = DEFAULT_TIMEOUT_MS,
  { signal, clock = systemClock }: DeadlineOptions = {},
): Promise<DeadlineOutcome<T>> {
  const scope = createScope<T>(timeoutMs, signal);
  try {
    return { kind: 'completed', value: await scope.run(clock, ({ signal: inner }) => call(inner)) };
  } catch (error) {
    if (signal?.aborted === true && error === signal.reason) return { kind: 'aborted', reason: error };
    if (scope.endedWith(error)) return { kind: 'timed-out', timeoutMs };
    throw error;
  }
}

function createScope<T>(timeoutMs: number, signal: AbortSignal | undefined): DeadlineScope<T> {
  checkNumber('timeoutMs', timeoutMs, Number.MIN_VALUE, Number.POSITIVE_INFINITY);
  return new DeadlineScope<T>(timeoutMs, signal);
}
