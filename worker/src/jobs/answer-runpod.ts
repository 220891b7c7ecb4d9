import { TalebackError } from '@taleback/core';
import type { Handler, HandlerResult } from '@taleback/handler/src/index.ts';

type RunpodOutput = HandlerResult | { readonly error: string };

type Failure = Pick<HandlerResult & { readonly status: 'error' }, 'error' | 'error_type' | 'retryable'>;

/** One string, so that the platform shows FAILED: JSON with the fields of a Python handler's exception. */
const failed = ({ error, error_type, retryable }: Failure): RunpodOutput => ({
  error: JSON.stringify({ error_type, error_message: error, retryable }),
});

/** RunPod takes no job back: one that the worker may not finish is answered as one that may be tried again. */
const cutShort = (): RunpodOutput => {
  const { code, message, retryable } = new TalebackError(
    'worker_lost',
    'The worker stopped before the story was done',
  );
  return failed({ error: message, error_type: code, retryable });
};

/**
 * Does a story and says what RunPod is answered.
 *
 * @throws what the handler threw without having been aborted: a fault of ours
 */
export const answerRunpod = async (
  handler: Handler,
  event: unknown,
  signal: AbortSignal,
): Promise<RunpodOutput> => {
  try {
    const result = await handler(event, signal);
    return result.status === 'success' ? result : failed(result);
  } catch (error) {
    if (signal.aborted) return cutShort();
    throw error;
  }
};
