import type { TalebackError } from '@taleback/core';
import { type Clock, FairQueue, type Lane, type Priority, type Queueable } from '@taleback/resilience';
import type { Pcm } from '../audio/pcm.ts';
import type { PoolSnapshot } from './speech-line.ts';
import type { SpeechRequest } from './speech-child.ts';

interface Settle {
  readonly resolve: (sound: Pcm) => void;
  readonly reject: (error: TalebackError) => void;
}

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
  /** Attempts begun. */
  attempts = 0;
  /** Since when it waits for a worker, epoch milliseconds. */
  waitingSinceMs: number;
  /** The worker of the last attempt: another one is preferred. */
  lastWorkerId = '';
  isEnded = false;
  /** Stops listening for an abort, or the wait before the next attempt. */
  release: () => void = () => {};
  readonly #settle: Settle;

  constructor(id: number, request: SpeechRequest, model: string, acceptedAtMs: number, settle: Settle) {
    this.id = id;
    this.request = request;
    this.model = model;
    this.priority = request.priority ?? 'normal';
    this.acceptedAtMs = acceptedAtMs;
    this.waitingSinceMs = acceptedAtMs;
    this.#settle = settle;
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

  get queued(): PoolSnapshot['queued'] {
    const again = { high: 0, normal: 0, low: 0 };
    for (const job of [...this.#again, ...this.#delayed]) again[job.priority] += 1;
    return {
      high: this.#queue.sizeOf('high') + again.high,
      normal: this.#queue.sizeOf('normal') + again.normal,
      low: this.#queue.sizeOf('low') + again.low,
    };
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
