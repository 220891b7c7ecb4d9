import { isTalebackError, TalebackError } from '@taleback/core/errors';

/**
 * Why a signal was aborted, as one of our errors: its own if it carries one, else a time-out or a cancellation.
 *
 * @example
 * cancellationOf(AbortSignal.abort()).code; // job_cancelled
 */
export const cancellationOf = (signal: AbortSignal): TalebackError => {
  const reason: unknown = signal.reason;
  if (isTalebackError(reason)) return reason;
  return reason instanceof DOMException && reason.name === 'TimeoutError'
    ? new TalebackError('timed_out', 'The narration took too long.', { cause: reason })
    : new TalebackError('job_cancelled', 'The narration was cancelled.', { cause: reason });
};

/**
 * @throws TalebackError see `cancellationOf`, when the signal is aborted.
 *
 * @example
 * throwIfCancelled(new AbortController().signal); // returns
 */
export const throwIfCancelled = (signal: AbortSignal | undefined): void => {
  if (signal?.aborted === true) throw cancellationOf(signal);
};
