import { raceAbort } from '../abort/index.ts';
import type { RetryOutcome } from './retry-outcome.ts';
import { checkRetryPolicy } from './retry-policy.ts';
import { type AttemptContext, type AttemptOptions, runAttempts } from './run-attempts.ts';

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
