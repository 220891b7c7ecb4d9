import type { TtsManagerConfig } from '../manager/manager-config.ts';

type PoolConfig = TtsManagerConfig['workerPool'];

export interface Load {
  /** Requests that wait. */
  readonly queueDepth: number;
  readonly workers: number;
  /** Workers that are starting: they will take from the queue without being asked for again. */
  readonly starting: number;
}

/** Whether one more worker is wanted. @see seed 004, scaleUpThreshold: "queue depth trigger" */
export const wantsAnother = ({ queueDepth, workers, starting }: Load, config: PoolConfig): boolean =>
  workers < config.maxWorkers && queueDepth >= config.scaleUpThreshold * (starting + 1);

/** Whether a worker that has been idle so long may leave. @see seed 004, scaleDownThreshold: "idle time (ms)" */
export const maySpare = (idleMs: number, workers: number, config: PoolConfig): boolean =>
  workers > config.minWorkers && idleMs >= config.scaleDownThreshold;

/** Why a worker is to be replaced, if it is. @see seed 004, "worker lifecycle limits and periodic recycling" */
export const reasonToRecycle = (
  { childJobs, rssBytes }: { readonly childJobs: number; readonly rssBytes: number },
  { recycleAfterJobs, recycleAboveBytes }: PoolConfig,
): string | undefined => {
  // One that has done nothing yet is as small as the next would be.
  if (childJobs > 0 && rssBytes >= recycleAboveBytes)
    return `recycled: it uses ${Math.round(rssBytes / 2 ** 20)} MiB`;
  return childJobs >= recycleAfterJobs ? `recycled after ${childJobs} requests` : undefined;
};
