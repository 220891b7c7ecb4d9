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
  #isHandingOn = false;
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

  /** Runs the job in its turn. @throws {BulkheadRefusedError} when it never began */
  run<T>(job: () => PromiseLike<T>, request?: BulkheadRequest): Promise<T> {
    return this.runOrElse(job, refuseByError, request);
  }

  /** Runs the job in its turn and returns how it ended. Rejects only with what the job itself throws. */
  submit<T>(job: () => PromiseLike<T>, request?: BulkheadRequest): Promise<BulkheadOutcome<T>> {
    const complete = async (): Promise<BulkheadOutcome<T>> => ({ kind: 'completed', value: await job() });
    return this.runOrElse(complete, refuseByOutcome, request);
  }

  /** Runs the job in its turn, or ends as `refused` does when it never begins. */
  runOrElse<T, R>(
    job: () => PromiseLike<T>,
    refused: (reason: BulkheadRefusalReason) => R,
    request: BulkheadRequest = NO_REQUEST,
  ): Promise<T | R> {
    return new Promise((resolve) => {
      this.enter(new PromisedJob(job, refused, resolve as (ended: unknown) => void), request);
    });
  }

  /** Begins the job in its turn, at once if there is room, or refuses it. A job that began must `leave` once. */
  enter(job: BulkheadJob, { priority = 'normal', tenant = '', signal }: BulkheadRequest): void {
    if (this.#closed) job.refuse('closed');
    else if (signal?.aborted === true) job.refuse('aborted');
    else if (this.#running < this.#maxConcurrent && this.#queue.size === 0) {
      this.#running += 1;
      job.begin(this);
    } else if (this.#queue.size >= this.#maxQueued) job.refuse('queue-full');
    else {
      this.#queue.push(priority, tenant, job);
      if (signal !== undefined) {
        job.listen(signal, () => {
          if (this.#queue.remove(job)) job.refuse('aborted');
        });
      }
    }
  }

  /** Gives the slot of a job that ended to the next in line, or frees it. */
  leave(): void {
    this.#running -= 1;
    // A job may end as soon as it begins: the loop below goes on with its slot.
    if (this.#isHandingOn) return;
    this.#isHandingOn = true;
    for (let next = this.#takeNext(); next !== undefined; next = this.#takeNext()) {
      this.#running += 1;
      next.stopListening();
      next.begin(this);
    }
    this.#isHandingOn = false;
    if (this.#running > 0) return;
    for (const resolve of this.#whenIdle) resolve();
    this.#whenIdle = [];
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
    for (let job = this.#queue.take(); job !== undefined; job = this.#queue.take()) {
      job.stopListening();
      job.refuse('closed');
    }
    return this.drain();
  }

  #takeNext(): BulkheadJob | undefined {
    return this.#running < this.#maxConcurrent ? this.#queue.take() : undefined;
  }
}

/** One job. There may be a million that wait, and the cost is mostly memory. */
export abstract class BulkheadJob implements Queueable<BulkheadJob> {
  previous: BulkheadJob | undefined = undefined;
  next: BulkheadJob | undefined = undefined;
  lane: Lane<BulkheadJob> | undefined = undefined;
  #forgetSignal: (() => void) | undefined = undefined;

  /** Never throws. The job has a slot until it leaves the bulkhead. */
  abstract begin(bulkhead: Bulkhead): void;

  /** Never throws. */
  abstract refuse(reason: BulkheadRefusalReason): void;

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

function refuseByError(reason: BulkheadRefusalReason): never {
  throw new BulkheadRefusedError(reason);
}

function refuseByOutcome(reason: BulkheadRefusalReason): BulkheadOutcome<never> {
  return { kind: 'rejected', reason };
}

/** A job whose end is a promise. It only knows how to resolve it, and resolves it with a rejected one to reject. */
class PromisedJob extends BulkheadJob {
  readonly #job: () => PromiseLike<unknown>;
  readonly #refused: (reason: BulkheadRefusalReason) => unknown;
  readonly #settle: (ended: unknown) => void;

  constructor(
    job: () => PromiseLike<unknown>,
    refused: (reason: BulkheadRefusalReason) => unknown,
    settle: (ended: unknown) => void,
  ) {
    super();
    this.#job = job;
    this.#refused = refused;
    this.#settle = settle;
  }

  begin(bulkhead: Bulkhead): void {
    const end = (ended: unknown): void => {
      this.#settle(ended);
      bulkhead.leave();
    };
    try {
      this.#job().then(end, (error: unknown) => end(Promise.reject(error)));
    } catch (error) {
      end(Promise.reject(error));
    }
  }

  refuse(reason: BulkheadRefusalReason): void {
    try {
      this.#settle(this.#refused(reason));
    } catch (error) {
      this.#settle(Promise.reject(error));
    }
  }
}
