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
  checkTimeout(timeoutMs);
  return new Promise((resolve, reject) => {
    const scope = new DeadlineScope<T>(timeoutMs, signal, (succeeded, result) => {
      if (succeeded) resolve(result as T);
      else reject(result);
    });
    scope.start(clock, (context) => call(context.signal));
  });
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
  let own: AbortSignal | undefined;
  const keepSignal = (inner: AbortSignal): PromiseLike<T> => {
    own = inner;
    return call(inner);
  };
  try {
    return { kind: 'completed', value: await withDeadline(keepSignal, timeoutMs, { signal, clock }) };
  } catch (error) {
    if (signal?.aborted === true && error === signal.reason) return { kind: 'aborted', reason: error };
    // The call itself may throw the error of another deadline.
    if (own?.aborted === true && error === own.reason) return { kind: 'timed-out', timeoutMs };
    throw error;
  }
}

/** @throws {RangeError} unless it is over 0 */
export function checkTimeout(timeoutMs: number): void {
  checkNumber('timeoutMs', timeoutMs, Number.MIN_VALUE, Number.POSITIVE_INFINITY);
}

/**
 * One call with a time limit. It ends when the call does, when the time is up or when the outer signal aborts,
 * whichever comes first, and leaves neither a timer nor a listener.
 */
export class DeadlineScope<T> {
  /**
   * V8 drops the optimised code of a class at a full collection that finds no object of its shape. One stays, so that a
   * service without a call under way keeps its speed: calls cost a third less then.
   */
  static readonly kept = DeadlineScope.#begun();
  /** 1-based. */
  readonly attempt: number;
  readonly #timeoutMs: number;
  readonly #outer: AbortSignal | undefined;
  readonly #onEnd: (succeeded: boolean, result: unknown) => void;
  #controller: AbortController | undefined = undefined;
  #hasEnded = false;
  #abortedBy: { readonly reason: unknown } | undefined = undefined;
  #cancelTimer: (() => void) | undefined = undefined;
  #onOuterAbort: (() => void) | undefined = undefined;

  /**
   * @param timeoutMs Infinity: no limit, and no timer
   * @param onEnd called once, with the value or the error: cheaper than a promise
   */
  constructor(
    timeoutMs: number,
    outer: AbortSignal | undefined,
    onEnd: (succeeded: boolean, result: unknown) => void,
    attempt = 1,
  ) {
    this.attempt = attempt;
    this.#timeoutMs = timeoutMs;
    this.#outer = outer;
    this.#onEnd = onEnd;
  }

  static #begun(): DeadlineScope<never> {
    const scope = new DeadlineScope<never>(1, new AbortController().signal, () => {});
    const clock = { now: () => 0, setTimer: () => () => {} };
    scope.start(clock, ({ signal }) => new Promise(() => signal));
    return scope;
  }

  /** Made when it is first read, so that a call which ignores it does not pay for it. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#abortedBy !== undefined) this.#controller.abort(this.#abortedBy.reason);
    }
    return this.#controller.signal;
  }

  /** Begins the call, unless the outer signal is aborted already. Once per scope. */
  start(clock: Clock, call: (scope: this) => PromiseLike<T>): void {
    const outer = this.#outer;
    if (outer?.aborted === true) {
      this.#end(false, outer.reason);
      return;
    }
    if (this.#timeoutMs !== Number.POSITIVE_INFINITY) {
      const timeOut = (): void => this.#abort(new DeadlineExceededError(this.#timeoutMs));
      this.#cancelTimer = clock.setTimer(timeOut, this.#timeoutMs);
    }
    if (outer !== undefined) {
      this.#onOuterAbort = () => this.#abort(outer.reason);
      outer.addEventListener('abort', this.#onOuterAbort, { once: true });
    }
    try {
      call(this).then(
        (value) => this.#end(true, value),
        (error: unknown) => this.#end(false, error),
      );
    } catch (error) {
      this.#end(false, error);
    }
  }

  #abort(reason: unknown): void {
    this.#abortedBy = { reason };
    // First the caller, then the call: what the call does about it is too late to be its outcome.
    this.#end(false, reason);
    this.#controller?.abort(reason);
  }

  #end(succeeded: boolean, result: unknown): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#cancelTimer?.();
    if (this.#onOuterAbort !== undefined) this.#outer?.removeEventListener('abort', this.#onOuterAbort);
    this.#onEnd(succeeded, result);
  }
}
