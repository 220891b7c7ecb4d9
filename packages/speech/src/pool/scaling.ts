import { backoffDelayMs, type Clock, type Random } from '@taleback/resilience';
import type { TtsManagerConfig } from './pool-config.ts';

type PoolConfig = TtsManagerConfig['workerPool'];

export interface Load {
  /** Waiting requests. */
  readonly queueDepth: number;
  readonly workers: number;
  /** Workers that are starting: they will take from the queue when they are ready. */
  readonly starting: number;
}

/** Whether one more worker is needed. @see docs/origins.md#pool */
export const wantsAnother = ({ queueDepth, workers, starting }: Load, config: PoolConfig): boolean =>
  workers < config.maxWorkers && queueDepth >= config.scaleUpThreshold * (starting + 1);

/** Whether a worker that has been idle for so long may leave. @see docs/origins.md#pool */
export const maySpare = (idleMs: number, workers: number, config: PoolConfig): boolean =>
  workers > config.minWorkers && idleMs >= config.scaleDownThreshold;

/** Why a worker is to be replaced, if it is. @see docs/origins.md#pool */
export const reasonToRecycle = (
  { childJobs, rssBytes }: { readonly childJobs: number; readonly rssBytes: number },
  { recycleAfterJobs, recycleAboveBytes }: PoolConfig,
): string | undefined => {
  // A worker without any request is as small as its successor would be.
  if (childJobs > 0 && rssBytes >= recycleAboveBytes)
    return `recycled: it uses ${Math.round(rssBytes / 2 ** 20)} MiB`;
  return childJobs >= recycleAfterJobs ? `recycled after ${childJobs} requests` : undefined;
};

export interface Lost {
  /** Requests that its child ended. */
  readonly childJobs: number;
  /** How long its child could speak, in milliseconds. */
  readonly servedMs: number;
}

/** The first replacement comes at once; children that keep dying are given more and more time. */
const BACKOFF = { kind: 'exponential', initialMs: 100, factor: 2, maxMs: 30_000, jitter: 'equal' } as const;
/** A child that lived so long was not killed by its start, in milliseconds. */
const SETTLED_MS = 10_000;

/** Whether its child has shown that it can do more than start. */
export const isSettled = ({ childJobs, servedMs }: Lost): boolean => childJobs > 0 || servedMs >= SETTLED_MS;

/** Replaces lost children, after a backoff. */
export class Restarts<Worker extends Lost> {
  readonly #clock: Clock;
  readonly #random: Random;
  /** Losses in a row without a request done in between. */
  readonly #losses = new Map<Worker, number>();
  readonly #pending = new Map<Worker, () => void>();

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  schedule(worker: Worker, open: () => void): void {
    const losses = isSettled(worker) ? 0 : (this.#losses.get(worker) ?? 0);
    this.#losses.set(worker, losses + 1);
    const delayMs = losses === 0 ? 0 : backoffDelayMs(BACKOFF, losses, this.#random);
    const stop = this.#clock.setTimer(() => {
      this.#pending.delete(worker);
      open();
    }, delayMs);
    this.#pending.set(worker, stop);
  }

  forget(worker: Worker): void {
    this.#pending.get(worker)?.();
    this.#pending.delete(worker);
    this.#losses.delete(worker);
  }

  stop(): void {
    for (const stop of this.#pending.values()) stop();
    this.#pending.clear();
  }
}
