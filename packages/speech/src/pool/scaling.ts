import { backoffDelayMs, type Random } from '@taleback/resilience';
import type { TtsManagerConfig } from './pool-config.ts';
import type { PoolMode } from './speech-line.ts';

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

/** A child that lived so long was not killed by its start, in milliseconds. */
const SETTLED_MS = 10_000;

/** Whether its child has shown that it can do more than start. */
export const isSettled = (worker: { readonly childJobs: number; readonly servedMs: number }): boolean =>
  worker.childJobs > 0 || worker.servedMs >= SETTLED_MS;

const BACKOFF = { kind: 'exponential', initialMs: 100, factor: 2, maxMs: 30_000, jitter: 'equal' } as const;

/**
 * Until a lost child is replaced, ms: at once the first time, later and later for children that keep dying.
 *
 * @param losses in a row of children that had not settled, before this one
 */
export const restartDelayMs = (losses: number, random: Random): number =>
  losses === 0 ? 0 : backoffDelayMs(BACKOFF, losses, random);

/** Children in a row that ended before they could speak. */
const FAILURES_TO_SINGLE = 3;
const FAILURES_TO_IN_PROCESS = 6;

/**
 * How the pool speaks, depending on whether its children come up.
 *
 * `pool` → `single` after three failed starts in a row: only one worker is kept, so that a machine in trouble does not keep
 * starting processes. → `in-process` after three more, when nothing serves: a thread of this process speaks, if there is
 * one. After the reset time the pool is tried again; three more failures lead back.
 *
 * @see docs/origins.md#pool
 */
export class PoolModeMachine {
  /** Written by this class only. */
  mode: PoolMode = 'pool';
  readonly #hasThread: boolean;
  readonly #resetMs: number;
  #fallBack: 'single' | 'in-process' = 'single';
  #sinceMs = 0;
  #failures = 0;

  constructor({ hasThread, resetMs }: { readonly hasThread: boolean; readonly resetMs: number }) {
    this.#hasThread = hasThread;
    this.#resetMs = resetMs;
  }

  /** True when nothing has come up for so long that requests should not wait for it. */
  get isHopeless(): boolean {
    return this.#failures >= FAILURES_TO_IN_PROCESS + (this.#hasThread ? FAILURES_TO_SINGLE : 0);
  }

  cameUp(kind: 'process' | 'thread'): void {
    this.#failures = 0;
    if (kind === 'process') this.#fallBack = 'single';
  }

  /** A child ended before it could speak. `isServing`: another one can. @returns whether the mode changed */
  failedToStart(isServing: boolean, nowMs: number): boolean {
    this.#failures += 1;
    if (this.mode === 'pool' && this.#failures >= FAILURES_TO_SINGLE)
      return this.#change(this.#fallBack, nowMs);
    const isLost = this.#failures >= FAILURES_TO_IN_PROCESS && !isServing;
    if (this.mode !== 'single' || !isLost || !this.#hasThread) return false;
    this.#fallBack = 'in-process';
    return this.#change('in-process', nowMs);
  }

  /** Failures are reset only while something serves. @returns whether the pool is to be tried again */
  tryAgain(isServing: boolean, nowMs: number): boolean {
    if (this.mode === 'pool' || nowMs - this.#sinceMs < this.#resetMs) return false;
    if (isServing) this.#failures = 0;
    return this.#change('pool', nowMs);
  }

  #change(mode: PoolMode, nowMs: number): true {
    this.mode = mode;
    this.#sinceMs = nowMs;
    return true;
  }
}
