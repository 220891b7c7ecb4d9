import { errorFromReport, TalebackError } from '@taleback/core';
import type { Clock } from '@taleback/resilience';
import type { Pcm } from '../audio/pcm.ts';
import { cancellationOf } from '../cancellation.ts';
import { type Balancer, createBalancer } from './balancer.ts';
import { type PoolSnapshot, attemptEnded, requestSpoken } from './speech-line.ts';
import { RequestQueue, SpeechJob } from './request-queue.ts';
import { closing, decideRetry, noWorker } from './retry.ts';
import { Roster, type RosterOptions } from './roster.ts';
import type { SpeechRequest } from './speech-child.ts';
import type { JobAttemptEnd, SpeechWorker } from './speech-worker.ts';

export interface WorkerPoolOptions extends Omit<RosterOptions, 'onAttemptEnd' | 'onReady' | 'onHopeless'> {
  /** The model that speaks with a voice. */
  readonly modelOf: (voiceId: string) => string;
}

export interface SpeakOptions {
  readonly signal?: AbortSignal | undefined;
  /** Tenants share the queue fairly. Default: all are one tenant. */
  readonly tenant?: string | undefined;
}

/** How often idleness and wear are checked, in milliseconds. */
const TICK_MS = 1_000;

/**
 * Speech processes behind one queue. A request waits, goes to the worker that the balancer chooses, and is tried again
 * elsewhere when its worker is lost or fails; it ends exactly once, with sound or with a TalebackError.
 */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #queue: RequestQueue;
  readonly #roster: Roster;
  readonly #choose: Balancer;
  readonly #stops: (() => void)[] = [];
  #acceptedCount = 0;
  #isDispatching = false;
  #isClosing = false;
  /** The time to drain is over: failed attempts are not repeated. */
  #isAbandoning = false;
  #whenDrained: (() => void) | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#queue = new RequestQueue(options.clock);
    this.#choose = createBalancer(options.config.workerPool.balancing);
    this.#roster = new Roster({
      ...options,
      onAttemptEnd: (worker, job, end, generationMs) => this.#attemptEnded(worker, job, end, generationMs),
      onReady: () => this.#dispatch(),
      onHopeless: (cause) => this.#failAll(() => noWorker(cause)),
    });
  }

  /**
   * Starts the minimum of workers.
   *
   * @throws TalebackError `model_loading_failed` when none comes up, `job_cancelled` when it is closed before
   */
  async start(): Promise<void> {
    if (this.#isClosing) throw closing();
    const { clock, config } = this.#options;
    this.#stops.push(
      repeat(clock, TICK_MS, () => this.#tick()),
      repeat(clock, config.health.intervalMs, () => this.#roster.checkHealth()),
    );
    try {
      await this.#roster.start();
    } catch (error) {
      throw this.#isClosing ? closing() : noWorker((error as Error).message);
    }
  }

  /**
   * Speaks a short text.
   *
   * @throws TalebackError the engine's own; `queue_full`, `circuit_open`, `timed_out`, `worker_lost`,
   * `model_loading_failed`; `job_cancelled` when the pool closes; and the result of `cancellationOf(signal)`
   */
  speak(request: SpeechRequest, { signal, tenant = '' }: SpeakOptions = {}): Promise<Pcm> {
    const { clock, publish, modelOf } = this.#options;
    const refusal = this.#refusal(signal);
    if (refusal !== undefined) {
      publish({ kind: 'refused', code: refusal.code });
      return Promise.reject(refusal);
    }
    return new Promise((resolve, reject) => {
      this.#acceptedCount += 1;
      const model = modelOf(request.voiceId);
      const job = new SpeechJob(this.#acceptedCount, request, model, clock.now(), { resolve, reject });
      publish({ kind: 'accepted', priority: job.priority });
      if (signal !== undefined) this.#listen(job, signal);
      this.#queue.push(job, tenant);
      this.#dispatch();
      this.#roster.grow(this.#queue.size);
    });
  }

  snapshot(): PoolSnapshot {
    const workers = this.#roster.workers.map((worker) => worker.snapshot());
    return {
      mode: this.#roster.mode,
      queueDepth: this.#queue.length,
      queued: this.#queue.queued,
      inFlight: workers.reduce((sum, { inFlight }) => sum + inFlight, 0),
      workers,
    };
  }

  /** Closes every worker's circuit breaker. */
  resetBreakers(): void {
    for (const { breaker } of this.#roster.workers) breaker.reset();
    this.#dispatch();
  }

  /** Takes no more requests, lets current ones end within this time, then ends every process. Safe to call again. */
  close(drainMs = 0): Promise<void> {
    this.#closed ??= this.#close(drainMs);
    return this.#closed;
  }

  async #close(drainMs: number): Promise<void> {
    this.#isClosing = true;
    if (drainMs > 0 && !this.#isIdle()) {
      const drained = new Promise<void>((resolve) => {
        this.#whenDrained = resolve;
      });
      const stop = this.#options.clock.setTimer(() => this.#whenDrained?.(), drainMs);
      await drained;
      stop();
    }
    this.#isAbandoning = true;
    this.#failAll(closing);
    for (const stop of this.#stops.splice(0)) stop();
    const gone = this.#roster.close();
    for (const { queueDepth, life } of this.#roster.workers.slice()) {
      if (queueDepth > 0) life.kill('the pool is closing');
    }
    await gone;
  }

  #tick(): void {
    this.#roster.tick();
    this.#dispatch();
    this.#roster.grow(this.#queue.size);
  }

  #refusal(signal: AbortSignal | undefined): TalebackError | undefined {
    if (this.#isClosing) return closing();
    if (signal?.aborted === true) return cancellationOf(signal);
    if (this.#roster.isHopeless) return noWorker('no speech process comes up');
    const { maxQueued } = this.#options.config.workerPool;
    if (this.#queue.length < maxQueued || this.#withRoom().length > 0) return undefined;
    const details = `${this.#queue.length} wait, ${maxQueued} may`;
    return new TalebackError('queue_full', 'Too many texts are waiting to be spoken.', { details });
  }

  #listen(job: SpeechJob, signal: AbortSignal): void {
    const abort = (): void => {
      this.#queue.remove(job);
      this.#fail(job, cancellationOf(signal));
      for (const worker of this.#roster.workers.slice()) worker.cancel(job);
      this.#dispatch();
    };
    signal.addEventListener('abort', abort, { once: true });
    job.release = () => signal.removeEventListener('abort', abort);
  }

  #withRoom(): SpeechWorker[] {
    return this.#roster.workers.filter(({ hasRoom }) => hasRoom);
  }

  /** Hands waiting requests to workers with room. */
  #dispatch(): void {
    // A dispatch may report an end at once, which calls this again.
    if (this.#isDispatching) return;
    this.#isDispatching = true;
    try {
      while (this.#queue.size > 0) {
        const free = this.#withRoom();
        if (!isSome(free)) break;
        const job = this.#queue.take();
        if (job !== undefined && !this.#handOver(job, free)) this.#queue.putBack(job);
      }
    } finally {
      this.#isDispatching = false;
    }
    if (this.#queue.size > 0) this.#refuseIfAllAreOpen();
    if (this.#isClosing && this.#isIdle()) this.#whenDrained?.();
  }

  #handOver(job: SpeechJob, free: readonly [SpeechWorker, ...SpeechWorker[]]): boolean {
    const { clock, publish } = this.#options;
    const nowMs = clock.now();
    const others = job.attempts === 0 ? free : free.filter(({ id }) => id !== job.lastWorkerId);
    const worker = this.#choose(isSome(others) ? others : free, job);
    const permit = worker.admit();
    if (permit === undefined) return false;
    const waitedMs = nowMs - job.waitingSinceMs;
    publish({ kind: 'dispatched', workerId: worker.id, waitedMs, routingMs: clock.now() - nowMs });
    worker.run(job, permit);
    return true;
  }

  /** When every breaker is open, waiting requests are refused now instead of in a minute. */
  #refuseIfAllAreOpen(): void {
    const nowMs = this.#options.clock.now();
    const { workers } = this.#roster;
    const isRefused = workers.every(({ refusedUntilMs }) => refusedUntilMs > nowMs);
    if (workers.length === 0 || !isRefused || this.#roster.addFresh()) return;
    const retryAfterMs = Math.min(...workers.map(({ refusedUntilMs }) => refusedUntilMs)) - nowMs;
    const options = {
      details: `${workers.length} circuit breakers are open`,
      ...(Number.isFinite(retryAfterMs) ? { retryAfterMs } : {}),
    };
    this.#failAll(
      () => new TalebackError('circuit_open', 'Every speech process has failed too often.', options),
    );
  }

  #attemptEnded(worker: SpeechWorker, job: SpeechJob, end: JobAttemptEnd, generationMs: number): void {
    const { clock, publish } = this.#options;
    publish(attemptEnded(worker.id, end, generationMs));
    if (end.kind === 'failed') this.#retryOrFail(job, end);
    else if (job.end(end)) {
      publish(requestSpoken(clock.now() - job.acceptedAtMs, end.sound, job.request.text));
    }
    this.#dispatch();
  }

  #retryOrFail(job: SpeechJob, { error }: JobAttemptEnd & { kind: 'failed' }): void {
    if (job.isEnded) return;
    const { config, random, publish } = this.#options;
    const decision = decideRetry(error, job.attempts, config, random);
    if (this.#isAbandoning || decision.kind === 'none') {
      this.#fail(job, this.#isAbandoning ? closing() : errorFromReport(error));
      return;
    }
    publish({ kind: 'retried', code: error.code, attempt: job.attempts + 1 });
    if (decision.kind === 'at-once') this.#queue.pushAgain(job);
    else this.#queue.pushLater(job, decision.delayMs, () => this.#dispatch());
  }

  #fail(job: SpeechJob, error: TalebackError): void {
    if (!job.end({ error })) return;
    const { clock, publish } = this.#options;
    const latencyMs = clock.now() - job.acceptedAtMs;
    publish({ kind: 'ended', outcome: 'failed', latencyMs, code: error.code });
  }

  /** All waiting requests. */
  #failAll(error: () => TalebackError): void {
    for (const job of this.#queue.takeAll()) this.#fail(job, error());
  }

  #isIdle(): boolean {
    return this.#queue.length === 0 && this.#roster.workers.every(({ queueDepth }) => queueDepth === 0);
  }
}

const isSome = <Item>(items: readonly Item[]): items is readonly [Item, ...Item[]] => items.length > 0;

/** Runs it after every interval. @returns a function that ends it */
const repeat = (clock: Clock, intervalMs: number, run: () => void): (() => void) => {
  let isOver = false;
  const next = (): (() => void) =>
    clock.setTimer(() => {
      run();
      if (!isOver) stop = next();
    }, intervalMs);
  let stop = next();
  return () => {
    isOver = true;
    stop();
  };
};
