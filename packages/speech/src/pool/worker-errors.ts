import { describeError, type ErrorReport, TalebackError } from '@taleback/core';

/** Whether an error counts against the worker: what was wrong with the request does not. */
export const speaksAgainstWorker = ({ code }: ErrorReport): boolean => {
  const { category } = describeError(code);
  return category !== 'input' && category !== 'voice';
};

/** Whether nothing was said against the request: only the process was slow or lost. */
export const isWorthAnotherAtOnce = ({ code }: ErrorReport): boolean =>
  code === 'worker_lost' || code === 'timed_out';

/** No process comes up. */
export const noWorker = (details: string): TalebackError =>
  new TalebackError('model_loading_failed', 'No speech process could be started.', { details });

export const closing = (): TalebackError => new TalebackError('job_cancelled', 'The speech pool is closing.');

export const timedOut = (timeoutMs: number): ErrorReport => ({
  code: 'timed_out',
  message: 'A part of the text took too long to speak.',
  details: `no answer within ${Math.round(timeoutMs)} ms`,
  retryable: true,
});

export const workerLost = (details: string): ErrorReport => ({
  code: 'worker_lost',
  message: 'The speech process was lost.',
  details,
  retryable: true,
});
