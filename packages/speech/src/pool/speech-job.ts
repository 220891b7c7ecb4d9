import { describeError, type ErrorReport, TalebackError } from '@taleback/core';
import {
  backoffDelayMs,
  type Clock,
  FairQueue,
  type Lane,
  type Priority,
  type Queueable,
  type Random,
} from '@taleback/resilience';
import type { Pcm } from '../audio/pcm.ts';
import type { TtsManagerConfig } from './pool-config.ts';
import type { SpeechRequest } from './speech-child.ts';

/** A request on its way through the pool. It ends exactly once. */
export class SpeechJob implements Queueable<SpeechJob> {
  previous: SpeechJob | undefined = undefined;
  next: SpeechJob | undefined = undefined;
  lane: Lane<SpeechJob> | undefined = undefined;

  readonly id: number;
  readonly request: SpeechRequest;
  readonly model: string;
  readonly priority: Priority;
  readonly acceptedAtMs: number;
  readonly promise: Promise<Pcm>;
  attempts = 0;
  /** Time that its attempts took together, in milliseconds. */
  spentMs = 0;
  /** Since when it waits for a worker, epoch milliseconds. */
  waitingSinceMs: number;
  /** The worker of the last attempt: another one is preferred. */
  lastWorkerId = '';
  isEnded = false;
  /** Stops listening for an abort, or the wait before the next attempt. */
  release: () => void = () => {};
  readonly #settle = Promise.withResolvers<Pcm>();

  constructor(id: number, request: SpeechRequest, model: string, nowMs: number) {
    this.id = id;
    this.request = request;
    this.model = model;
    this.priority = request.priority ?? 'normal';
    this.acceptedAtMs = nowMs;
    this.waitingSinceMs = nowMs;
    this.promise = this.#settle.promise;
  }

  /** @returns false when it had ended before */
  end(result: { readonly sound: Pcm } | { readonly error: TalebackError }): boolean {
    if (this.isEnded) return false;
    this.isEnded = true;
    this.release();
    if ('sound' in result) this.#settle.resolve(result.sound);
    else this.#settle.reject(result.error);
    return true;
  }
}

/** The waiting requests: retries first, then by priority and fairly between tenants. */
export class RequestQueue {
  readonly #clock: Clock;
  readonly #queue = new FairQueue<SpeechJob>();
  /** Begun before: they do not wait in the queue again. */
  readonly #again: SpeechJob[] = [];
  /** Waiting for the time of their next attempt. */
  readonly #delayed = new Set<SpeechJob>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Requests that could be dispatched now. */
  get size(): number {
    return this.#queue.size + this.#again.length;
  }

  /** All of them, with the delayed ones. */
  get length(): number {
    return this.size + this.#delayed.size;
  }

  get queued(): Record<Priority, number> {
    const sizeOf = (priority: Priority): number => this.#queue.sizeOf(priority);
    const queued = { high: sizeOf('high'), normal: sizeOf('normal'), low: sizeOf('low') };
    for (const { priority } of [...this.#again, ...this.#delayed]) queued[priority] += 1;
    return queued;
  }

  push(job: SpeechJob, tenant: string): void {
    this.#queue.push(job.priority, tenant, job);
  }

  /** Puts a job that was taken back to where it was. */
  putBack(job: SpeechJob): void {
    this.#again.unshift(job);
  }

  /** Queues another attempt, before all jobs that have had none. */
  pushAgain(job: SpeechJob): void {
    job.waitingSinceMs = this.#clock.now();
    this.#again.push(job);
  }

  /** The same after a delay; `onDue` is called then. */
  pushLater(job: SpeechJob, delayMs: number, onDue: () => void): void {
    this.#delayed.add(job);
    const stop = this.#clock.setTimer(() => {
      this.#delayed.delete(job);
      this.pushAgain(job);
      onDue();
    }, delayMs);
    const { release } = job;
    job.release = () => {
      stop();
      this.#delayed.delete(job);
      release();
    };
  }

  take(): SpeechJob | undefined {
    return this.#again.shift() ?? this.#queue.take();
  }

  remove(job: SpeechJob): void {
    const at = this.#again.indexOf(job);
    if (at !== -1) this.#again.splice(at, 1);
    else if (!this.#delayed.delete(job)) this.#queue.remove(job);
  }

  /** Empties the queue. */
  takeAll(): SpeechJob[] {
    const all = [...this.#again.splice(0), ...this.#delayed];
    for (let job = this.#queue.take(); job !== undefined; job = this.#queue.take()) all.push(job);
    return all;
  }
}

/** Whether an error counts against the worker or service: an invalid request or voice does not. */
export const countsAgainstWorker = ({ code }: Pick<ErrorReport, 'code'>): boolean => {
  const { category } = describeError(code);
  return category !== 'input' && category !== 'voice';
};

/**
 * Whether, and after how many milliseconds, a request is tried again after so many attempts; undefined is never. Never for an
 * invalid request, and not when the engine asks for a longer wait than a worker's cool-down: the caller can wait that long
 * as well; and not when its attempts have used up its deadline. At once (0) when only the process was slow or lost: another one may do better.
 *
 * @see docs/origins.md#retries
 */
export const retryDelayMs = (
  error: ErrorReport,
  { attempts, spentMs }: Pick<SpeechJob, 'attempts' | 'spentMs'>,
  { retry, circuitBreaker }: Pick<TtsManagerConfig, 'retry' | 'circuitBreaker'>,
  random: Random,
): number | undefined => {
  const { maxAttempts, baseDelayMs } = retry;
  const { code, retryable, retryAfterMs = 0 } = error;
  if (!retryable || !countsAgainstWorker(error) || attempts >= maxAttempts) return undefined;
  if (spentMs >= deadlineOf({ retry, circuitBreaker })) return undefined;
  if (code === 'worker_lost' || code === 'timed_out') return 0;
  if (retryAfterMs > circuitBreaker.resetTimeoutMs) return undefined;
  const maxMs = Math.max(baseDelayMs, retry.maxDelayMs ?? baseDelayMs * 4);
  const backoff = { kind: 'exponential', initialMs: baseDelayMs, maxMs, jitter: 'equal' } as const;
  return Math.max(backoffDelayMs(backoff, attempts, random), retryAfterMs);
};

/** Of all attempts at one request, ms. */
export const deadlineOf = ({ retry, circuitBreaker }: Pick<TtsManagerConfig, 'retry' | 'circuitBreaker'>) =>
  Math.max(retry.deadlineMs, circuitBreaker.timeoutMs);

export const closing = (): TalebackError => new TalebackError('job_cancelled', 'The speech pool is closing.');
