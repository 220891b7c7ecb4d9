import { AdaptiveTimeout } from '@taleback/resilience';
import { breakerChanged } from './breaker-report.ts';
import {
  isSettled,
  maySpare,
  PoolModeMachine,
  reasonToRecycle,
  restartDelayMs,
  wantsAnother,
} from './scaling.ts';
import { deadlineOf } from './speech-job.ts';
import type { HostedPlugin, LineOptions, PoolMode, WorkerState } from './speech-line.ts';
import { SpeechWorker } from './speech-worker.ts';

export interface RosterOptions extends LineOptions {
  readonly plugin: Pick<HostedPlugin, 'openChild' | 'openThread'>;
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
  readonly #started = Promise.withResolvers<void>();
  readonly #empty = Promise.withResolvers<void>();
  #isClosed = false;

  constructor(options: RosterOptions) {
    const { plugin, config } = options;
    const { timeoutMs, resetTimeoutMs } = config.circuitBreaker;
    this.#options = options;
    this.#modes = new PoolModeMachine({
      hasThread: plugin.openThread !== undefined,
      resetMs: resetTimeoutMs,
    });
    const bounds = { minMs: timeoutMs, maxMs: deadlineOf(config) };
    this.#timeouts = new AdaptiveTimeout({ defaultMs: timeoutMs, ...bounds });
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
    const workers = this.workers.length - this.#threads().length;
    const starting = this.workers.filter(({ life }) => life.state === 'INITIALIZING').length;
    if (wantsAnother({ queueDepth, workers, starting }, this.#options.config.workerPool)) this.addFresh();
  }

  /** Adds a worker whatever the queue, if the limit allows it. @returns whether it does */
  addFresh(): boolean {
    const { maxWorkers } = this.#options.config.workerPool;
    if (this.#isClosed || this.#limitOf(maxWorkers) <= this.workers.length) return false;
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
    if (this.workers.some(({ life, leaving }) => leaving !== undefined || life.state === 'INITIALIZING'))
      return;
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
    this.#started.reject(new Error('the pool is closing'));
    for (const worker of this.workers.slice()) this.#leave(worker, 'the pool is closing');
    if (this.workers.length > 0) await this.#empty.promise;
  }

  #serving(): SpeechWorker[] {
    return this.workers.filter(({ life }) => life.isServing);
  }

  #threads(): SpeechWorker[] {
    return this.workers.filter(({ isThread }) => isThread);
  }

  /** Of so many processes in a full pool, with the threads; a smaller mode has one place. */
  #limitOf(processes: number): number {
    return this.mode === 'pool' ? processes + this.#threads().length : 1;
  }

  #fill(): void {
    const least = this.#limitOf(this.#options.config.workerPool.minWorkers);
    const staying = this.workers.filter(({ leaving }) => leaving !== 'removed').length;
    for (let count = staying; count < least; count += 1) this.#add();
  }

  #add(): void {
    const { config, clock, publish, plugin, workerPrefix = '' } = this.#options;
    const { openChild, openThread = openChild } = plugin;
    const isThread = this.mode === 'in-process';
    const taken = new Set(this.workers.map(({ id }) => id));
    let number = 1;
    while (taken.has(`${workerPrefix}worker-${number}`)) number += 1;
    const worker = new SpeechWorker({
      id: `${workerPrefix}worker-${number}`,
      openChild: isThread ? openThread : openChild,
      isThread,
      config,
      clock,
      timeouts: this.#timeouts,
      onState: (changed, from, cause) => this.#changed(changed, from, cause),
      onGone: (gone, cause) => this.#gone(gone, cause),
    });
    worker.breaker.onChange((change) => {
      publish(breakerChanged(worker.breaker, worker.id, change));
      // A fresh process is the best trial.
      if (change.to.kind === 'open') this.#recycle(worker, 'its circuit breaker opened');
    });
    this.workers.push(worker);
    worker.start();
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
    this.#modes.cameUp(worker.isThread ? 'thread' : 'process');
    this.#started.resolve();
    if (!worker.isThread)
      for (const thread of this.#threads()) this.#remove(thread, 'a speech process is back');
    this.#options.onReady();
  }

  /** Replaces its child after its current requests. */
  #recycle(worker: SpeechWorker, cause: string): void {
    if (this.#isClosed || worker.leaving !== undefined || !worker.life.isServing) return;
    worker.leaving = 'recycled';
    worker.leave(cause);
  }

  #remove(worker: SpeechWorker, cause: string): void {
    worker.leaving = 'removed';
    this.#leave(worker, cause);
  }

  #leave(worker: SpeechWorker, cause: string): void {
    if (worker.life.state === 'TERMINATED') this.#forget(worker);
    else worker.leave(cause);
  }

  #gone(worker: SpeechWorker, cause: string): void {
    const { clock, log, random } = this.#options;
    const { leaving } = worker;
    worker.leaving = undefined;
    if (this.#isClosed || leaving === 'removed') {
      this.#forget(worker);
      if (!this.#isClosed) this.#fill();
      return;
    }
    if (leaving === 'recycled') {
      worker.start();
      return;
    }
    log('warn', 'speech worker lost', { worker: worker.id, cause });
    const wasReady = worker.life.readiness !== undefined;
    if (!wasReady && this.#modes.failedToStart(this.#serving().length > 0, clock.now()))
      this.#fallBack(worker, cause);
    if (this.isHopeless) {
      this.#started.reject(new Error(`no speech worker comes up: ${cause}`));
      this.#options.onHopeless(cause);
    }
    if (!this.workers.includes(worker)) return;
    const losses = isSettled(worker) ? 0 : worker.losses;
    worker.losses = losses + 1;
    worker.stopRestart = clock.setTimer(() => worker.start(), restartDelayMs(losses, random));
  }

  /** In a smaller mode one place is left: one that serves, if there is one. */
  #fallBack(failed: SpeechWorker, cause: string): void {
    const { mode } = this;
    this.#options.log('error', 'speech pool falls back', { mode, cause });
    const kept = mode === 'in-process' ? this.#threads()[0] : (this.#serving()[0] ?? failed);
    for (const worker of this.workers.slice()) {
      if (worker !== kept) this.#remove(worker, `the pool falls back: ${mode}`);
    }
    this.#fill();
  }

  #forget(worker: SpeechWorker): void {
    worker.stopRestart();
    const at = this.workers.indexOf(worker);
    if (at !== -1) this.workers.splice(at, 1);
    if (this.workers.length === 0 && this.#isClosed) this.#empty.resolve();
  }
}
