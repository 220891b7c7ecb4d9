import { errorFromReport, TalebackError } from '@taleback/core';
import { AdaptiveTimeout, type Clock, type Random } from '@taleback/resilience';
import type { Pcm } from '../audio/index.ts';
import { cancellationOf } from '../engines/index.ts';
import type { Log, PoolSnapshot, SynthesisListener } from '../status/index.ts';
import { type Balancer, createBalancer } from './balance-index.ts';
import type { TtsManagerConfig } from '../manager/manager-config.ts';
import { decideRetry } from './decide-retry.ts';
import { JobLine } from './job-line.ts';
import { PoolTeller } from './pool-teller.ts';
import { repeat } from './repeat.ts';
import { Roster } from './roster.ts';
import type { OpenSpeechChild, SpeechRequest } from './speech-child.ts';
import { SpeechJob } from './speech-job.ts';
import type { AttemptEnd, SpeechWorker } from './speech-worker.ts';
import { closing, noWorker } from './worker-errors.ts';

export interface WorkerPoolOptions {
  readonly config: TtsManagerConfig;
  readonly openChild: OpenSpeechChild;
  /** Speaks in this process when no child comes up. */
  readonly openThread?: OpenSpeechChild | undefined;
  /** The model that speaks with a voice. */
  readonly modelOf: (voiceId: string) => string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly tell: SynthesisListener;
}

export interface SpeakOptions {
  readonly signal?: AbortSignal | undefined;
  /** Tenants take turns. Default: all share one. */
  readonly tenant?: string | undefined;
}

/** How often idleness and wear are looked at, in milliseconds. */
const TICK_MS = 1_000;

/**
 * Speech processes behind one queue.
 *
 * A request waits in the queue, is given to the worker that the balancer chooses, and is tried again elsewhere when its
 * worker is lost or fails; it ends exactly once, with sound or with a typed error.
 */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #line: JobLine;
  readonly #roster: Roster;
  readonly #choose: Balancer;
  readonly #teller: PoolTeller;
  readonly #stops: (() => void)[] = [];
  #acceptedCount = 0;
  #isPumping = false;
  #isClosing = false;
  /** The time to drain is over: what is lost now is not tried again. */
  #isAbandoning = false;
  #whenDrained: (() => void) | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: WorkerPoolOptions) {
    const { config, clock, random, log, tell, openChild, openThread } = options;
    const { timeoutMs, maxTimeoutMs } = config.circuitBreaker;
    this.#options = options;
    this.#line = new JobLine(clock);
    this.#teller = new PoolTeller(clock, tell);
    this.#choose = createBalancer(config.workerPool.balancing);
    this.#roster = new Roster({
      config,
      clock,
      random,
      log,
      tell,
      openChild,
      openThread,
      timeouts: new AdaptiveTimeout({
        defaultMs: timeoutMs,
        minMs: timeoutMs,
        maxMs: Math.max(timeoutMs, maxTimeoutMs),
      }),
      onAttemptEnd: (worker, job, end, generationMs) => this.#attemptEnded(worker, job, end, generationMs),
      onRoom: () => this.#pump(),
      onHopeless: (cause) => this.#failAll(() => noWorker(cause)),
    });
  }

  /**
   * Starts the least number of workers.
   *
   * @throws TalebackError `model_loading_failed` when none comes up, `job_cancelled` when it is closed before.
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
   * Speaks a short text in its turn.
   *
   * @throws TalebackError the engine's own; `queue_full`, `circuit_open`, `timed_out`, `worker_lost`,
   * `model_loading_failed`; `job_cancelled` when the pool closes; and what `cancellationOf` makes of the signal.
   */
  speak(request: SpeechRequest, { signal, tenant = '' }: SpeakOptions = {}): Promise<Pcm> {
    const refusal = this.#refusal(signal);
    if (refusal !== undefined) {
      this.#teller.refused(refusal.code);
      return Promise.reject(refusal);
    }
    return new Promise((resolve, reject) => {
      this.#acceptedCount += 1;
      const model = this.#options.modelOf(request.voiceId);
      const end = { resolve, reject };
      const job = new SpeechJob(this.#acceptedCount, request, model, this.#options.clock.now(), end);
      this.#teller.accepted(job);
      if (signal !== undefined) this.#listen(job, signal);
      this.#line.push(job, tenant);
      this.#pump();
      this.#roster.grow(this.#line.size);
    });
  }

  snapshot(): PoolSnapshot {
    const workers = this.#roster.workers.map((worker) => worker.snapshot());
    return {
      mode: this.#roster.mode,
      queueDepth: this.#line.length,
      queued: this.#line.queued,
      inFlight: workers.reduce((sum, { inFlight }) => sum + inFlight, 0),
      workers,
    };
  }

  /** Closes every worker's circuit breaker by hand. */
  resetBreakers(): void {
    for (const { breaker } of this.#roster.workers) breaker.reset();
    this.#pump();
  }

  /** Takes no more requests, gives those that it has this time to end, then ends every process. Safe to call again. */
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
    for (const worker of this.#roster.workers.slice()) {
      if (worker.queueDepth > 0) worker.kill('the pool is closing');
    }
    await gone;
  }

  #tick(): void {
    this.#roster.tick();
    this.#pump();
    this.#roster.grow(this.#line.size);
  }

  #refusal(signal: AbortSignal | undefined): TalebackError | undefined {
    if (this.#isClosing) return closing();
    if (signal?.aborted === true) return cancellationOf(signal);
    if (this.#roster.isHopeless) return noWorker('no speech process comes up');
    const { maxQueued } = this.#options.config.workerPool;
    if (this.#line.length < maxQueued || this.#roomy().length > 0) return undefined;
    return new TalebackError('queue_full', 'Too many texts are waiting to be spoken.', {
      details: `${this.#line.length} wait, ${maxQueued} may`,
    });
  }

  #listen(job: SpeechJob, signal: AbortSignal): void {
    const abort = (): void => {
      this.#line.remove(job);
      this.#fail(job, cancellationOf(signal));
      for (const worker of this.#roster.workers.slice()) worker.cancel(job);
      this.#pump();
    };
    signal.addEventListener('abort', abort, { once: true });
    job.release = () => signal.removeEventListener('abort', abort);
  }

  #roomy(): SpeechWorker[] {
    return this.#roster.workers.filter(({ hasRoom }) => hasRoom);
  }

  /** Hands out what waits to whoever has room. */
  #pump(): void {
    // A hand-over may tell of an end, which comes back here.
    if (this.#isPumping) return;
    this.#isPumping = true;
    try {
      while (this.#line.size > 0) {
        const roomy = this.#roomy();
        if (!isSome(roomy)) break;
        const job = this.#line.take();
        if (job !== undefined && !this.#handOver(job, roomy)) this.#line.putBack(job);
      }
    } finally {
      this.#isPumping = false;
    }
    if (this.#line.size > 0) this.#refuseIfAllAreOpen();
    if (this.#isClosing && this.#isIdle()) this.#whenDrained?.();
  }

  #handOver(job: SpeechJob, roomy: readonly [SpeechWorker, ...SpeechWorker[]]): boolean {
    const nowMs = this.#options.clock.now();
    const others = job.attempts === 0 ? roomy : roomy.filter(({ id }) => id !== job.lastWorkerId);
    const worker = this.#choose(isSome(others) ? others : roomy, job);
    const permit = worker.admit();
    if (permit === undefined) return false;
    this.#teller.dispatched(job, worker.id, nowMs);
    worker.run(job, permit);
    return true;
  }

  /** When every worker's breaker is open, those who wait hear it now instead of in a minute. */
  #refuseIfAllAreOpen(): void {
    const nowMs = this.#options.clock.now();
    const { workers } = this.#roster;
    const isRefused = workers.every(({ refusedUntilMs }) => refusedUntilMs > nowMs);
    if (workers.length === 0 || !isRefused || this.#roster.addFresh()) return;
    const retryAfterMs = Math.min(...workers.map(({ refusedUntilMs }) => refusedUntilMs)) - nowMs;
    const known = Number.isFinite(retryAfterMs) ? { retryAfterMs } : {};
    const details = `${workers.length} circuit breakers are open`;
    this.#failAll(
      () =>
        new TalebackError('circuit_open', 'Every speech process has failed too often.', {
          details,
          ...known,
        }),
    );
  }

  #attemptEnded(worker: SpeechWorker, job: SpeechJob, end: AttemptEnd, generationMs: number): void {
    this.#teller.attemptEnded(worker.id, end, generationMs);
    if (end.kind === 'failed') this.#tryAgain(job, end);
    else if (job.succeed(end.sound)) this.#teller.spoken(job, end.sound);
    this.#pump();
  }

  #tryAgain(job: SpeechJob, { error }: AttemptEnd & { kind: 'failed' }): void {
    if (job.isEnded) return;
    const { config, random } = this.#options;
    const decision = decideRetry(error, job.attempts, config, random);
    if (this.#isAbandoning || decision.kind === 'none') {
      this.#fail(job, this.#isAbandoning ? closing() : errorFromReport(error));
      return;
    }
    this.#teller.retried(job, error.code);
    if (decision.kind === 'at-once') this.#line.pushAgain(job);
    else this.#line.pushLater(job, decision.delayMs, () => this.#pump());
  }

  #fail(job: SpeechJob, error: TalebackError): void {
    if (job.fail(error)) this.#teller.failed(job, error.code);
  }

  /** Everyone who waits. */
  #failAll(error: () => TalebackError): void {
    for (const job of this.#line.takeAll()) this.#fail(job, error());
  }

  #isIdle(): boolean {
    return this.#line.length === 0 && this.#roster.workers.every(({ queueDepth }) => queueDepth === 0);
  }
}

const isSome = <Item>(items: readonly Item[]): items is readonly [Item, ...Item[]] => items.length > 0;
