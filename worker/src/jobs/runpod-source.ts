import type { Handler } from '@taleback/handler/src/index.ts';
import type { Log } from '@taleback/core';
import { answerRunpod, type JobSource } from './index.ts';
import {
  type RunpodHandler,
  type ServeRunpodOptions,
  type ServingRunpod,
  serveRunpod,
} from '@taleback/runpod-worker';
import { type LocalRunpod, serveRunpodLocally } from '@taleback/runpod-worker/local';

const toRunpodHandler =
  (handler: Handler): RunpodHandler =>
  (job, { signal }) =>
    answerRunpod(handler, job, signal);

export interface RunpodSourceOptions
  extends Pick<ServeRunpodOptions, 'env' | 'outboxFolder' | 'http' | 'clock'> {
  /** Jobs under way at once; asked before every poll. */
  readonly concurrency: () => number;
  readonly log: Log;
}

/** Jobs from RunPod's queue: this process is one of its serverless workers. */
export const createRunpodSource = (options: RunpodSourceOptions): JobSource => {
  let serving: ServingRunpod | undefined;
  let isDraining = false;
  return {
    start: async (handler) => {
      if (isDraining) return;
      // The worker's own stop ends it, after what else it has to end.
      serving = serveRunpod(toRunpodHandler(handler), { ...options, stopOn: [] });
    },
    drain: async (graceMs) => {
      isDraining = true;
      await serving?.stop(graceMs);
    },
  };
};

export interface RunpodDevSourceOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Undefined lets everybody in. */
  readonly apiKey: string | undefined;
  readonly concurrency: number;
  readonly log: Log;
}

/** Jobs that are posted to this process as they would be to an endpoint of RunPod. */
export const createRunpodDevSource = ({ apiKey, ...options }: RunpodDevSourceOptions): JobSource => {
  let local: LocalRunpod | undefined;
  let isDraining = false;
  return {
    start: async (handler) => {
      const opened = await serveRunpodLocally(toRunpodHandler(handler), {
        ...options,
        ...(apiKey === undefined ? {} : { apiKey }),
      });
      if (isDraining) return opened.close();
      local = opened;
      options.log('info', 'RunPod API ready', { url: local.url });
    },
    drain: async (graceMs) => {
      isDraining = true;
      await local?.close(graceMs);
    },
  };
};
