import { describeError, type Log } from '@taleback/core';
import type { Handler, HandlerResult } from '@taleback/handler';
import {
  type RunpodHandler,
  type ServeRunpodOptions,
  type ServingRunpod,
  serveRunpod,
} from '@taleback/runpod-worker';
import {
  type LocalRunpod,
  type ServeRunpodLocallyOptions,
  serveRunpodLocally,
} from '@taleback/runpod-worker/local';
import type { StreamHealth } from '../health/stream.ts';
import { requireListening } from '../required-places.node.ts';
import type { JobSource } from './job-source.ts';

type RunpodOutput = HandlerResult | { readonly error: string };

/** One string, so that the platform shows FAILED: JSON with the fields of a Python handler's exception. */
const failed = (error_type: string, error_message: string, retryable: boolean): RunpodOutput => ({
  error: JSON.stringify({ error_type, error_message, retryable }),
});

/**
 * Narrates a story and makes RunPod's answer of the result.
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
    if (result.status === 'success') return result;
    return failed(result.error_type, result.error, result.retryable);
  } catch (error) {
    if (!signal.aborted) throw error;
    // RunPod takes no job back: one that the worker may not finish is answered as one that may be tried again.
    const { retryable } = describeError('worker_lost');
    return failed('worker_lost', 'The worker stopped before the story was done', retryable);
  }
};

const toRunpodHandler =
  (handler: Handler): RunpodHandler =>
  (job, { signal }) =>
    answerRunpod(handler, job, signal);

/** Both sources are open from their start on: the RunPod worker keeps polling, the local API listening. */
const openOnceStarted = () => {
  let health: StreamHealth = { open: false, sinceMs: Date.now(), failures: 0, reason: 'It is being opened.' };
  return {
    health: () => health,
    dead: new Promise<string>(() => {}),
    markOpen: (): void => {
      health = { open: true, sinceMs: Date.now(), failures: 0 };
    },
  };
};

export interface RunpodSourceOptions
  extends Pick<ServeRunpodOptions, 'env' | 'outboxFolder' | 'http' | 'clock' | 'keepable'> {
  /** Jobs under way at once; asked before every poll. */
  readonly concurrency: () => number;
  readonly log: Log;
}

/** Jobs from RunPod's queue: this process is one of its serverless workers. */
export const createRunpodSource = (options: RunpodSourceOptions): JobSource => {
  let serving: ServingRunpod | undefined;
  let isDraining = false;
  const { markOpen, ...state } = openOnceStarted();
  return {
    ...state,
    start: async (handler) => {
      if (isDraining) return;
      // The worker stops it, in the order of its own stop.
      serving = serveRunpod(toRunpodHandler(handler), { ...options, stopOn: [] });
      markOpen();
    },
    drain: async (graceMs) => {
      isDraining = true;
      await serving?.stop(graceMs);
    },
  };
};

export interface RunpodDevSourceOptions
  extends Pick<ServeRunpodLocallyOptions, 'host' | 'port' | 'names' | 'allowPrivateWebhooks'> {
  /** Undefined lets every program of this machine in. */
  readonly apiKey: string | undefined;
  readonly concurrency: number;
  readonly log: Log;
}

/** Jobs that are posted to this process as they would be to an endpoint of RunPod. */
export const createRunpodDevSource = ({ apiKey, ...options }: RunpodDevSourceOptions): JobSource => {
  let local: LocalRunpod | undefined;
  let isDraining = false;
  const { markOpen, ...state } = openOnceStarted();
  return {
    ...state,
    start: async (handler) => {
      const opened = await requireListening(
        'RUNPOD_DEV_HOST, RUNPOD_DEV_PORT',
        serveRunpodLocally(toRunpodHandler(handler), {
          ...options,
          ...(apiKey === undefined ? {} : { apiKey }),
        }),
      );
      if (isDraining) return opened.close();
      local = opened;
      markOpen();
      options.log('info', 'RunPod API ready', { url: local.url });
    },
    drain: async (graceMs) => {
      isDraining = true;
      await local?.close(graceMs);
    },
  };
};
