import { checkNumber } from '../checks.ts';
import { type Clock, systemClock } from '../clock.ts';
import { ResilienceError } from '../resilience-error.ts';

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

/**
 * One call with a time limit. It ends when the call does, when the time is up or when the outer signal aborts,
 * whichever comes first, and leaves neither a timer nor a listener behind.
 *
 * The inner signal is made when it is first read: a call that ignores it does not pay for it.
 */
export class DeadlineScope<T> {
  readonly #timeoutMs: number;
  readonly #outer: AbortSignal | undefined;
  #controller: AbortController | undefined;
  #ended = false;
  #aborted = false;
  #reason: unknown;
  #reject: ((error: unknown) => void) | undefined;
  #cancelTimer: (() => void) | undefined;
  #onOuterAbort: (() => void) | undefined;

  /** @param timeoutMs Infinity: no limit, and no timer */
  constructor(timeoutMs: number, outer: AbortSignal | undefined) {
    this.#timeoutMs = timeoutMs;
    this.#outer = outer;
  }

  /** Aborts when the time is up (with a DeadlineExceededError) or the outer signal aborts (with its reason). */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Begins the call, unless the outer signal is aborted already. Once per scope. */
  run(clock: Clock, call: (scope: this) => PromiseLike<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#reject = reject;
      if (this.#outer?.aborted === true) {
        this.#abort(this.#outer.reason);
        return;
      }
      if (this.#timeoutMs !== Number.POSITIVE_INFINITY) {
        this.#cancelTimer = clock.setTimer(() => this.#timeOut(), this.#timeoutMs);
      }
      if (this.#outer !== undefined) {
        this.#onOuterAbort = () => this.#abort(this.#outer?.reason);
        this.#outer.addEventListener('abort', this.#onOuterAbort, { once: true });
      }
      try {
        call(this).then(
          (value) => this.#succeed(resolve, value),
          (error: unknown) => this.#fail(error),
        );
      } catch (error) {
        this.#fail(error);
      }
    });
  }

  /** Whether this scope, and not the call, ended with `error`: the time was up or the outer signal aborted. */
  endedWith(error: unknown): boolean {
    return this.#aborted && this.#reason === error;
  }

  /** For a subclass that wants to hear the end, once, before the caller does, without the price of a promise. */
  protected onEnd(_succeeded: boolean, _error: unknown): void {}

  #timeOut(): void {
    this.#abort(new DeadlineExceededError(this.#timeoutMs));
  }

  #abort(reason: unknown): void {
    this.#aborted = true;
    this.#reason = reason;
    // First the caller, then the call: what the call does about it is too late to be its outcome.
    this.#fail(reason);
    this.#controller?.abort(reason);
  }

  #succeed(resolve: (value: T) => void, value: T): void {
    if (this.#ended) return;
    this.#leave();
    try {
      this.onEnd(true, undefined);
    } finally {
      resolve(value);
    }
  }

  #fail(error: unknown): void {
    if (this.#ended) return;
    this.#leave();
    try {
      this.onEnd(false, error);
    } finally {
      this.#reject?.(error);
    }
  }

  #leave(): void {
    this.#ended = true;
    this.#cancelTimer?.();
    if (this.#onOuterAbort !== undefined) this.#outer?.removeEventListener('abort', this.#onOuterAbort);
  }
}
