import type { Log } from '@taleback/core';
import { AdaptiveTimeout, type Clock, type Random } from '@taleback/resilience';
import { logBreakerChanges } from '../protection/protection-logs.ts';
import type { TtsManagerConfig } from './pool-config.ts';
import { PoolModeMachine } from './pool-mode.ts';
import type { PoolMode, WorkerState, SynthesisListener } from './speech-line.ts';
import { isSettled, maySpare, Restarts, reasonToRecycle, wantsAnother } from './scaling.ts';
import type { OpenSpeechChild } from './speech-child.ts';
import { SpeechWorker, type SpeechWorkerOptions } from './speech-worker.ts';

export interface RosterOptions {
  readonly config: TtsManagerConfig;
  /** Before the names of the workers, such as `flite/`. */
  readonly workerPrefix?: string | undefined;
  readonly openChild: OpenSpeechChild;
  /** Speaks in this process when no child comes up. */
  readonly openThread?: OpenSpeechChild | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly publish: SynthesisListener;
  readonly onAttemptEnd: SpeechWorkerOptions['onAttemptEnd'];
  /** A worker has become ready. */
  readonly onReady: () => void;
  /** Nothing comes up: waiting requests should be refused. */
  readonly onHopeless: (cause: string) => void;
}

/** The workers of a pool: as many as are needed, replaced when they are lost or worn. */
export class Roster {
  readonly workers: SpeechWorker[] = [];
  readonly #options: RosterOptions;
  readonly #modes: PoolModeMachine;
  readonly #timeouts: AdaptiveTimeout;
  readonly #threads = new Set<SpeechWorker>();
  /** Workers that leave, and whether their place is kept. */
  readonly #leaving = new Map<SpeechWorker, 'removed' | 'recycled'>();
  readonly #restarts: Restarts<SpeechWorker>;
  readonly #started = Promise.withResolvers<void>();
  #whenEmpty: (() => void) | undefined;
  #isClosed = false;

  constructor(options: RosterOptions) {
    const { clock, random, openThread, config } = options;
    const { timeoutMs, maxTimeoutMs, resetTimeoutMs } = config.circuitBreaker;
    this.#options = options;
    this.#restarts = new Restarts(clock, random);
    this.#modes = new PoolModeMachine({ hasThread: openThread !== undefined, resetMs: resetTimeoutMs });
    this.#timeouts = new AdaptiveTimeout({
      defaultMs: timeoutMs,
      minMs: timeoutMs,
      maxMs: Math.max(timeoutMs, maxTimeoutMs),
    });
    this.#started.promise.catch(() => {});
  }

  get mode(): PoolMode {
    return this.#modes.mode;
  }

  get isHopeless(): boolean {
    return this.#modes.isHopeless && this.#serving().length === 0;
  }

  /** Starts the minimum of workers. Settles when the first can speak. @throws Error when none comes up */
  start(): Promise<void> {
    this.#fill();
    return this.#started.promise;
  }

  /** Adds a worker if the queue needs one. */
  grow(queueDepth: number): void {
    const workers = this.workers.length - this.#threads.size;
    const starting = this.workers.filter(({ life }) => life.state === 'INITIALIZING').length;
    if (wantsAnother({ queueDepth, workers, starting }, this.#options.config.workerPool)) this.addFresh();
  }

  /** Adds a worker whatever the queue, if the limit allows it. @returns whether it does */
  addFresh(): boolean {
    if (this.#isClosed || this.#limit() <= this.workers.length) return false;
    this.#add();
    return true;
  }

  /** Periodic work: idle workers leave, worn ones are replaced one at a time, the full pool is tried again. */
  tick(): void {
    const { clock, config, log } = this.#options;
    if (this.#isClosed) return;
    if (this.#modes.tryAgain(this.#serving().length > 0, clock.now())) {
      log('info', 'speech pool is tried again');
      this.#fill();
    }
    // The last replacement has to be complete first.
    if (this.#leaving.size > 0 || this.workers.some(({ life }) => life.state === 'INITIALIZING')) return;
    const serving = this.#serving();
    for (const worker of serving) {
      const cause = reasonToRecycle(worker, config.workerPool);
      if (cause === undefined) continue;
      this.#recycle(worker, cause);
      return;
    }
    const settled = serving.filter(isSettled).length;
    const idle = serving.filter(
      ({ life }) =>
        life.state === 'READY' && maySpare(clock.now() - life.sinceMs, settled, config.workerPool),
    );
    const spare = idle.find(({ refusedUntilMs }) => refusedUntilMs > clock.now()) ?? idle.at(-1);
    if (spare !== undefined) this.#remove(spare, 'nothing to do');
  }

  checkHealth(): void {
    for (const worker of this.workers.slice()) worker.checkHealth();
  }

  /** Ends every worker. Settles when all are gone. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#restarts.stop();
    this.#started.reject(new Error('the pool is closing'));
    for (const worker of this.workers.slice()) this.#leave(worker, 'the pool is closing');
    if (this.workers.length === 0) return;
    await new Promise<void>((resolve) => {
      this.#whenEmpty = resolve;
    });
  }

  #serving(): SpeechWorker[] {
    return this.workers.filter(({ life }) => life.isServing);
  }

  #limit(): number {
    return this.mode === 'pool' ? this.#options.config.workerPool.maxWorkers + this.#threads.size : 1;
  }

  #fill(): void {
    const { minWorkers } = this.#options.config.workerPool;
    const least = this.mode === 'pool' ? minWorkers + this.#threads.size : 1;
    const staying = this.workers.filter((worker) => this.#leaving.get(worker) !== 'removed').length;
    for (let count = staying; count < least; count += 1) this.#add();
  }

  #add(): void {
    const { config, clock, log, publish, onAttemptEnd, workerPrefix = '' } = this.#options;
    const taken = new Set(this.workers.map(({ id }) => id));
    let number = 1;
    while (taken.has(`${workerPrefix}worker-${number}`)) number += 1;
    const worker = new SpeechWorker({
      id: `${workerPrefix}worker-${number}`,
      config,
      clock,
      timeouts: this.#timeouts,
      onState: (changed, from, cause) => this.#changed(changed, from, cause),
      onAttemptEnd,
      onGone: (gone, wasReady, cause) => this.#gone(gone, wasReady, cause),
    });
    worker.breaker.onChange(logBreakerChanges(log, worker.id));
    worker.breaker.onChange(({ from, to, cause }) => {
      publish({ kind: 'breaker-changed', workerId: worker.id, from: from.kind, to: to.kind, cause });
      // A fresh process is the best trial.
      if (to.kind === 'open') this.#recycle(worker, 'its circuit breaker opened');
    });
    this.workers.push(worker);
    if (this.mode === 'in-process') this.#threads.add(worker);
    this.#open(worker);
  }

  #open(worker: SpeechWorker): void {
    const { openChild, openThread } = this.#options;
    worker.start(this.#threads.has(worker) && openThread !== undefined ? openThread : openChild);
  }

  #changed(worker: SpeechWorker, from: WorkerState, cause: string | undefined): void {
    const { state, starts } = worker.life;
    this.#options.publish({
      kind: 'worker-changed',
      workerId: worker.id,
      from: starts <= 1 && from === 'TERMINATED' ? 'NEW' : from,
      to: state,
      ...(cause === undefined ? {} : { cause }),
    });
    if (from !== 'INITIALIZING' || state !== 'READY') return;
    this.#modes.cameUp(this.#threads.has(worker) ? 'thread' : 'process');
    this.#started.resolve();
    if (!this.#threads.has(worker)) {
      for (const thread of this.#threads) this.#remove(thread, 'a speech process is back');
    }
    this.#options.onReady();
  }

  /** Replaces its child after its current requests. */
  #recycle(worker: SpeechWorker, cause: string): void {
    if (this.#isClosed || this.#leaving.has(worker) || !worker.life.isServing) return;
    this.#leaving.set(worker, 'recycled');
    worker.leave(cause);
  }

  #remove(worker: SpeechWorker, cause: string): void {
    this.#leaving.set(worker, 'removed');
    this.#leave(worker, cause);
  }

  #leave(worker: SpeechWorker, cause: string): void {
    if (worker.life.state === 'TERMINATED') this.#forget(worker);
    else worker.leave(cause);
  }

  #gone(worker: SpeechWorker, wasReady: boolean, cause: string): void {
    const { clock, log } = this.#options;
    const leaving = this.#leaving.get(worker);
    this.#leaving.delete(worker);
    if (this.#isClosed || leaving === 'removed') {
      this.#forget(worker);
      if (!this.#isClosed) this.#fill();
      return;
    }
    if (leaving === 'recycled') {
      this.#open(worker);
      return;
    }
    log('warn', 'speech worker lost', { worker: worker.id, cause });
    if (!wasReady && this.#modes.failedToStart(this.#serving().length > 0, clock.now()))
      this.#fallBack(worker, cause);
    if (this.isHopeless) {
      this.#started.reject(new Error(`no speech worker comes up: ${cause}`));
      this.#options.onHopeless(cause);
    }
    if (this.workers.includes(worker)) this.#restarts.schedule(worker, () => this.#open(worker));
  }

  /** In a smaller mode one place is left: one that serves, if there is one. */
  #fallBack(failed: SpeechWorker, cause: string): void {
    const { mode } = this;
    this.#options.log('error', 'speech pool falls back', { mode, cause });
    const kept = mode === 'in-process' ? [...this.#threads][0] : (this.#serving()[0] ?? failed);
    for (const worker of this.workers.slice()) {
      if (worker !== kept) this.#remove(worker, `the pool falls back: ${mode}`);
    }
    this.#fill();
  }

  #forget(worker: SpeechWorker): void {
    this.#restarts.forget(worker);
    this.#leaving.delete(worker);
    this.#threads.delete(worker);
    const at = this.workers.indexOf(worker);
    if (at !== -1) this.workers.splice(at, 1);
    if (this.workers.length === 0) this.#whenEmpty?.();
  }
}
