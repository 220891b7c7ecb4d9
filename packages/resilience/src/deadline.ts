import { checkNumber } from './checks.ts';
import { type Clock, systemClock } from './clock.ts';
import { ResilienceError } from './resilience-error.ts';

/** @see docs/origins.md#timeouts */
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

/** The call took longer than it was given. Also the reason of the signal that the call got. */
export class DeadlineExceededError extends ResilienceError {
  readonly code = 'deadline-exceeded';
  override readonly category = 'timeout';
  readonly timeoutMs: number;

  constructor(timeoutMs: number) {
    super(`The call took longer than ${timeoutMs} ms`, undefined, { timeoutMs });
    this.timeoutMs = timeoutMs;
  }
}

/**
 * Gives `call` at most `timeoutMs` (Infinity: no limit) and a signal that aborts when the time is up or the outer
 * signal aborts. A call that ignores its signal is abandoned at that moment; its late result is dropped.
 *
 * @throws {DeadlineExceededError} (as a rejection) when the time is up; the outer signal's reason when it aborts; else
 *   what the call throws
 * @throws {RangeError} when `timeoutMs` is not over 0
 *
 * @example
 * import { withDeadline } from '@taleback/resilience';
 * console.log(await withDeadline(async (signal) => (signal.aborted ? 'late' : 'in time'), 1_000)); // in time
 */
export function withDeadline<T>(
  call: (signal: AbortSignal) => PromiseLike<T>,
  timeoutMs: number = DEFAULT_TIMEOUT_MS,
  { signal, clock = systemClock }: DeadlineOptions = {},
): Promise<T> {
  return createScope<T>(timeoutMs, signal).run(clock, ({ signal: inner }) => call(inner));
}

/**
 * `withDeadline` with its expected ends as data. Rejects only with what the call itself throws.
 *
 * @throws {RangeError} (as a rejection) when `timeoutMs` is not over 0
 *
 * @example
 * import { tryWithDeadline } from '@taleback/resilience';
 * console.log(await tryWithDeadline(() => new Promise(() => {}), 10)); // { kind: 'timed-out', timeoutMs: 10 }
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

/**
 * One call with a time limit. It ends when the call does, when the time is up or when the outer signal aborts,
 * whichever comes first, and leaves neither a timer nor a listener. The inner signal is made when it is first read, so
 * a call that ignores it does not pay for it.
 */
export class DeadlineScope<T> {
  readonly #timeoutMs: number;
  readonly #outer: AbortSignal | undefined;
  #controller: AbortController | undefined;
  #ended = false;
  #aborted = false;
  #reason: unknown;
  #resolve: ((value: T) => void) | undefined;
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
      this.#resolve = resolve;
      this.#reject = reject;
      if (this.#outer?.aborted === true) {
        this.#abort(this.#outer.reason);
        return;
      }
      if (this.#timeoutMs !== Number.POSITIVE_INFINITY) {
        const timeOut = (): void => this.#abort(new DeadlineExceededError(this.#timeoutMs));
        this.#cancelTimer = clock.setTimer(timeOut, this.#timeoutMs);
      }
      if (this.#outer !== undefined) {
        this.#onOuterAbort = () => this.#abort(this.#outer?.reason);
        this.#outer.addEventListener('abort', this.#onOuterAbort, { once: true });
      }
      try {
        call(this).then(
          (value) => this.#succeed(value),
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

  /** Called once at the end, before the caller learns of it: cheaper for a subclass than a promise. */
  protected onEnd(_succeeded: boolean, _error: unknown): void {}

  #abort(reason: unknown): void {
    this.#aborted = true;
    this.#reason = reason;
    // First the caller, then the call: what the call does about it is too late to be its outcome.
    this.#fail(reason);
    this.#controller?.abort(reason);
  }

  #succeed(value: T): void {
    if (!this.#leave()) return;
    try {
      this.onEnd(true, undefined);
    } finally {
      this.#resolve?.(value);
    }
  }

  #fail(error: unknown): void {
    if (!this.#leave()) return;
    try {
      this.onEnd(false, error);
    } finally {
      this.#reject?.(error);
    }
  }

  /** @returns false when the scope had ended already */
  #leave(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    this.#cancelTimer?.();
    if (this.#onOuterAbort !== undefined) this.#outer?.removeEventListener('abort', this.#onOuterAbort);
    return true;
  }
}
