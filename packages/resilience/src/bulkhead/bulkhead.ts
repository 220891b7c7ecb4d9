import { checkInteger } from '../checks.ts';
import { ResilienceError } from '../resilience-error.ts';
import {
  DEFAULT_AGE_AFTER_TURNS,
  FairQueue,
  type Lane,
  type Priority,
  type Queueable,
} from './fair-queue.ts';

/** Why a job never began. aborted: its signal aborted while it waited, or before. */
export type BulkheadRefusalReason = 'queue-full' | 'aborted' | 'closed';

export type BulkheadOutcome<T> =
  | { readonly kind: 'completed'; readonly value: T }
  /** The job never began. */
  | { readonly kind: 'rejected'; readonly reason: BulkheadRefusalReason };

/** Thrown by `run` only; `submit` returns the same as data. */
export class BulkheadRefusedError extends ResilienceError {
  readonly code = 'bulkhead-refused';
  readonly reason: BulkheadRefusalReason;

  constructor(reason: BulkheadRefusalReason) {
    super(`The bulkhead refused the job: ${reason}`, undefined, { reason });
    this.reason = reason;
  }
}

export interface BulkheadOptions {
  /** Jobs that run at once, at least 1. */
  readonly maxConcurrent: number;
  /** Jobs that may wait; one more is rejected. 0: none waits. */
  readonly maxQueued: number;
  /** Turns a priority with waiting jobs is passed over before it is served. Default 8. */
  readonly ageAfterTurns?: number;
}

export interface BulkheadRequest {
  /** Default 'normal'. */
  readonly priority?: Priority | undefined;
  /** Whose turn it uses. Default: all requests without a tenant share one. */
  readonly tenant?: string | undefined;
  /**
   * Takes the job out while it waits. A running job keeps its slot until it ends. Node warns when more than 10 jobs
   * wait on one signal; `events.setMaxListeners(0, signal)` turns the warning off.
   */
  readonly signal?: AbortSignal | undefined;
}

export interface BulkheadStatus {
  readonly running: number;
  readonly queued: Readonly<Record<Priority, number>>;
  readonly closed: boolean;
}

type Job<T> = () => PromiseLike<T>;

const NO_REQUEST: BulkheadRequest = {};

/**
 * A cap on concurrency and a bounded queue in front of it. A freed slot goes to the head of the queue in the same
 * call, so a later job never overtakes. The cost of a job does not grow with the queue.
 *
 * @example
 * import { Bulkhead } from '@taleback/resilience';
 * const bulkhead = new Bulkhead({ maxConcurrent: 3, maxQueued: 100 });
 * const request = { priority: 'high', tenant: 'ada' } as const;
 * console.log(await bulkhead.submit(async () => 7, request)); // { kind: 'completed', value: 7 }
 */
export class Bulkhead {
  readonly #maxConcurrent: number;
  readonly #maxQueued: number;
  readonly #queue: FairQueue<BulkheadJob>;
  #running = 0;
  #closed = false;
  #whenIdle: (() => void)[] = [];

  /** @throws {RangeError} when an option is out of range */
  constructor({ maxConcurrent, maxQueued, ageAfterTurns = DEFAULT_AGE_AFTER_TURNS }: BulkheadOptions) {
    checkInteger('maxConcurrent', maxConcurrent, 1);
    checkInteger('maxQueued', maxQueued, 0);
    checkInteger('ageAfterTurns', ageAfterTurns, 1);
    this.#maxConcurrent = maxConcurrent;
    this.#maxQueued = maxQueued;
    this.#queue = new FairQueue(ageAfterTurns);
  }

  /** Runs the job in its turn, or ends as `refused` does when it never begins. The two others are made of it. */
  runOrElse<T, R>(job: Job<T>, refused: Refused<R>, request: BulkheadRequest = NO_REQUEST): Promise<T | R> {
    if (this.#mayBegin(request)) return this.#beginNow(job);
    return new Promise<T | R>((resolve) => {
      this.#accept(new BulkheadJob(job, refused, resolve as (ended: unknown) => void), request);
    });
  }

  /**
   * Runs the job in its turn.
   *
   * @throws {BulkheadRefusedError} when it never began
   */
  run<T>(job: Job<T>, request?: BulkheadRequest): Promise<T> {
    return this.runOrElse(job, refuseByError, request);
  }

  /** Runs the job in its turn and returns how it ended. Rejects only with what the job itself throws. */
  submit<T>(job: Job<T>, request?: BulkheadRequest): Promise<BulkheadOutcome<T>> {
    const completing = async (): Promise<BulkheadOutcome<T>> => ({ kind: 'completed', value: await job() });
    return this.runOrElse(completing, refuseByOutcome, request);
  }

  status(): BulkheadStatus {
    const queued = {
      high: this.#queue.sizeOf('high'),
      normal: this.#queue.sizeOf('normal'),
      low: this.#queue.sizeOf('low'),
    };
    return { running: this.#running, queued, closed: this.#closed };
  }

  /** Takes no more jobs and lets the waiting ones run. Resolves when the last has ended. */
  drain(): Promise<void> {
    this.#closed = true;
    if (this.#running === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  /** Takes no more jobs and rejects the waiting ones. Resolves when the running ones have ended. */
  close(): Promise<void> {
    this.#closed = true;
    for (let job = this.#queue.take(); job !== undefined; job = this.#queue.take()) job.refuse('closed');
    return this.drain();
  }

  /** A free slot means an empty queue, because slots are handed on before they are freed. */
  #mayBegin({ signal }: BulkheadRequest): boolean {
    return this.#running < this.#maxConcurrent && !this.#closed && signal?.aborted !== true;
  }

  /** Begins a job in a free slot. Listening on its promise, instead of wrapping it, saves one. */
  #beginNow<T>(job: Job<T>): Promise<T> {
    this.#running += 1;
    const running = begin(job);
    running.then(
      () => this.#handOn(),
      () => this.#handOn(),
    );
    return running;
  }

  #accept(job: BulkheadJob, { priority = 'normal', tenant = '', signal }: BulkheadRequest): void {
    if (this.#closed) job.refuse('closed');
    else if (signal?.aborted === true) job.refuse('aborted');
    else if (this.#queue.size >= this.#maxQueued) job.refuse('queue-full');
    else {
      this.#queue.push(priority, tenant, job);
      if (signal !== undefined) job.listen(signal, () => this.#abort(job));
    }
  }

  #abort(job: BulkheadJob): void {
    if (this.#queue.remove(job)) job.refuse('aborted');
  }

  /** Begins a job that waited. */
  #beginQueued(job: BulkheadJob): void {
    job.stopListening();
    const running = begin(job.begin);
    running.then(
      (value) => this.#end(job, value),
      () => this.#end(job, running),
    );
  }

  #end(job: BulkheadJob, ended: unknown): void {
    job.settle(ended);
    this.#handOn();
  }

  /** Gives the slot of a job that ended to the next in line, or frees it. */
  #handOn(): void {
    const next = this.#queue.take();
    if (next !== undefined) {
      this.#beginQueued(next);
      return;
    }
    this.#running -= 1;
    if (this.#running > 0) return;
    for (const resolve of this.#whenIdle) resolve();
    this.#whenIdle = [];
  }
}

function begin<T>(job: Job<T>): Promise<T> {
  try {
    return Promise.resolve(job());
  } catch (error) {
    return Promise.reject(error);
  }
}

function refuseByError(reason: BulkheadRefusalReason): never {
  throw new BulkheadRefusedError(reason);
}

function refuseByOutcome(reason: BulkheadRefusalReason): BulkheadOutcome<never> {
  return { kind: 'rejected', reason };
}

/** Replaces the value of a job that never began; it may throw instead. */
type Refused<R> = (reason: BulkheadRefusalReason) => R;

/**
 * One job that waits. There may be a million, and the cost is mostly memory: so it only knows how to resolve its
 * promise, and resolves it with a rejected one to reject.
 */
class BulkheadJob implements Queueable<BulkheadJob> {
  previous: BulkheadJob | undefined = undefined;
  next: BulkheadJob | undefined = undefined;
  lane: Lane<BulkheadJob> | undefined = undefined;
  readonly begin: () => PromiseLike<unknown>;
  /** Ends the promise that the caller holds. */
  readonly settle: (ended: unknown) => void;
  readonly #refused: Refused<unknown>;
  #forgetSignal: (() => void) | undefined = undefined;

  constructor(
    begin: () => PromiseLike<unknown>,
    refused: Refused<unknown>,
    settle: (ended: unknown) => void,
  ) {
    this.begin = begin;
    this.settle = settle;
    this.#refused = refused;
  }

  refuse(reason: BulkheadRefusalReason): void {
    this.stopListening();
    try {
      this.settle(this.#refused(reason));
    } catch (error) {
      this.settle(Promise.reject(error));
    }
  }

  /** Only a waiting job listens. */
  listen(signal: AbortSignal, onAbort: () => void): void {
    signal.addEventListener('abort', onAbort, { once: true });
    this.#forgetSignal = () => signal.removeEventListener('abort', onAbort);
  }

  stopListening(): void {
    this.#forgetSignal?.();
    this.#forgetSignal = undefined;
  }
}
