import { raceAbort, wait } from '../abort.ts';
import type { Random } from '../backoff.ts';
import { type Clock, systemClock } from '../clock.ts';
import type { Classify } from './classification.ts';
import { type RetryPolicy, checkRetryPolicy, decideRetry } from './retry-policy.ts';

/** Why a retried operation stopped. `attempts` counts the runs that were begun, the first included. */
export type RetryOutcome<T> =
  | { readonly kind: 'succeeded'; readonly value: T; readonly attempts: number }
  | RetryFailure;

export type RetryFailure =
  /** Every attempt was spent. */
  | (Failed & { readonly kind: 'exhausted' })
  /** The last error is not transient. */
  | (Failed & { readonly kind: 'not-retryable' })
  /** The next wait would pass the budget, or the other side asked for a longer wait than allowed. */
  | (Failed & { readonly kind: 'deadline' })
  /** The signal aborted; `lastError` is its reason. */
  | (Failed & { readonly kind: 'aborted' });

interface Failed {
  readonly attempts: number;
  readonly lastError: unknown;
  /** What the other side last asked for, ms, if it did. */
  readonly retryAfterMs: number | undefined;
}

export type Attempt<T> = (context: AttemptContext) => PromiseLike<T>;

export interface RetryOptions extends AttemptOptions {
  /** Ends the attempt or the wait it aborts in. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs `operation` until it succeeds or there is a reason to stop, and says which. Rejects only when `classify` or
 * `onRetry` throws.
 *
 * The signal ends it at any moment, in an attempt as well as in a wait: an operation that ignores the signal is left
 * behind, and its late result dropped.
 *
 * @throws {RangeError} when an option is out of range
 */
export function retry<T>(operation: Attempt<T>, options: RetryOptions): Promise<RetryOutcome<T>> {
  checkRetryPolicy(options);
  const { signal } = options;
  const attempt: Attempt<T> =
    signal === undefined ? operation : (context) => raceAbort(signal, () => operation(context));
  return runAttempts({ attempt, conclude: succeeded }, options, signal);
}

/**
 * `retry` for callers that want the value or an exception.
 *
 * @throws the operation's last error as it was, or the signal's reason
 */
export async function retryOrThrow<T>(operation: Attempt<T>, options: RetryOptions): Promise<T> {
  const outcome = await retry(operation, options);
  if (outcome.kind === 'succeeded') return outcome.value;
  throw outcome.lastError;
}

function succeeded<T>(value: T, attempts: number): RetryOutcome<T> {
  return { kind: 'succeeded', value, attempts };
}

export interface AttemptContext {
  /** 1-based. */
  readonly attempt: number;
  /** The signal given in the options, if any. */
  readonly signal: AbortSignal | undefined;
}

export interface RetryNotice {
  /** The attempt that failed, 1-based. */
  readonly attempt: number;
  readonly error: unknown;
  /** The wait that begins now, ms. */
  readonly delayMs: number;
}

/** What the attempts of every run have in common. */
export interface AttemptOptions extends RetryPolicy {
  readonly classify: Classify;
  /** Called before every wait. */
  readonly onRetry?: ((notice: RetryNotice) => void) | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
}

/** What is attempted, and what a run makes of the value: two methods, so that a caller allocates no closures. */
export interface Attemptable<T, R> {
  attempt(context: AttemptContext): PromiseLike<T>;
  conclude(value: T, attempts: number): R;
}

/**
 * The attempts themselves. It trusts the policy to be checked and an attempt to end soon after the signal aborts;
 * `retry` makes sure of both. A first attempt that succeeds costs one promise more than itself.
 */
export function runAttempts<T, R>(
  target: Attemptable<T, R>,
  options: AttemptOptions,
  signal: AbortSignal | undefined,
): Promise<R | RetryFailure> {
  if (signal?.aborted === true) return Promise.resolve(aborted(0, signal));
  const startedMs = options.budgetMs === undefined ? 0 : (options.clock ?? systemClock).now();
  return begin(target, 1, signal).then(
    (value) => target.conclude(value, 1),
    (error: unknown) => tryAgain(target, options, signal, startedMs, error),
  );
}

/** What follows a first attempt that failed. */
async function tryAgain<T, R>(
  target: Attemptable<T, R>,
  options: AttemptOptions,
  signal: AbortSignal | undefined,
  startedMs: number,
  firstError: unknown,
): Promise<R | RetryFailure> {
  const { clock = systemClock, random = Math.random, budgetMs } = options;
  let error = firstError;
  for (let attempt = 1; ; attempt += 1) {
    if (signal?.aborted === true) return aborted(attempt, signal);
    const classification = options.classify(error);
    const elapsedMs = budgetMs === undefined ? 0 : clock.now() - startedMs;
    const decision = decideRetry(options, attempt, classification, elapsedMs, random);
    if (decision.kind === 'stop') {
      const { retryAfterMs } = classification;
      return { kind: decision.why, attempts: attempt, lastError: error, retryAfterMs };
    }
    options.onRetry?.({ attempt, error, delayMs: decision.delayMs });
    if ((await wait(clock, decision.delayMs, signal)) === 'aborted') return aborted(attempt, signal);
    try {
      return target.conclude(await begin(target, attempt + 1, signal), attempt + 1);
    } catch (nextError) {
      error = nextError;
    }
  }
}

function begin<T>(
  target: Attemptable<T, unknown>,
  attempt: number,
  signal: AbortSignal | undefined,
): Promise<T> {
  try {
    return Promise.resolve(target.attempt({ attempt, signal }));
  } catch (error) {
    return Promise.reject(error);
  }
}

function aborted(attempts: number, signal: AbortSignal | undefined): RetryFailure {
  return { kind: 'aborted', attempts, lastError: signal?.reason, retryAfterMs: undefined };
}
