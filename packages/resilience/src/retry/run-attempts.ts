import { wait } from '../abort/index.ts';
import type { Random } from '../backoff/index.ts';
import { type Clock, systemClock } from '../clock/index.ts';
import type { Classify } from './classification.ts';
import type { RetryFailure } from './retry-outcome.ts';
import { decideRetry, type RetryPolicy } from './retry-policy.ts';

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
