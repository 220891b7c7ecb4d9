import type { AdaptiveTimeout, Clock, Random } from '@taleback/resilience';
import type { Log, PoolMode, SynthesisListener, WorkerState } from '../status/index.ts';
import { logBreakerChanges } from '../protection/index.ts';
import type { TtsManagerConfig } from '../manager/manager-config.ts';
import { PoolModeMachine } from './pool-mode.ts';
import { isSettled, Restarts } from './restarts.ts';
import { maySpare, reasonToRecycle, wantsAnother } from './scaling.ts';
import type { OpenSpeechChild } from './speech-child.ts';
import { SpeechWorker, type SpeechWorkerEvents } from './speech-worker.ts';

export interface RosterOptions {
  readonly config: TtsManagerConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly timeouts: AdaptiveTimeout;
  readonly openChild: OpenSpeechChild;
  /** Speaks in this process when no child comes up. */
  readonly openThread?: OpenSpeechChild | undefined;
  readonly log: Log;
  readonly tell: SynthesisListener;
  readonly onAttemptEnd: SpeechWorkerEvents['onAttemptEnd'];
  /** A worker came up, or one that may be given work again. */
  readonly onRoom: () => void;
  /** Nothing comes up: whoever waits should hear it. */
  readonly onHopeless: (cause: string) => void;
}

/** Why a worker leaves, and whether its place is kept. */
type Leaving = 'removed' | 'recycled';

/** The workers of a pool: as many as are wanted, replaced when they are lost or worn. */
export class Roster {
  readonly #options: RosterOptions;
  readonly #modes: PoolModeMachine;
  readonly #workers: SpeechWorker[] = [];
  readonly #threads = new Set<SpeechWorker>();
  readonly #leaving = new Map<SpeechWorker, Leaving>();
  readonly #restarts: Restarts<SpeechWorker>;
  readonly #waiting = new Set<{ resolve: () => void; reject: (cause: Error) => void }>();
  #whenEmpty: (() => void) | undefined;
  #isClosed = false;

  constructor(options: RosterOptions) {
    this.#options = options;
    this.#restarts = new Restarts(options.clock, options.random);
    this.#modes = new PoolModeMachine({
      hasThread: options.openThread !== undefined,
      resetMs: options.config.circuitBreaker.resetTimeoutMs,
    });
  }

  get workers(): readonly SpeechWorker[] {
    return this.#workers;
  }

  get mode(): PoolMode {
    return this.#modes.mode;
  }

  get isHopeless(): boolean {
    return this.#modes.isHopeless && this.#serving().length === 0;
  }

  /** Starts the least number of workers. Settles when the first can speak. @throws Error when none comes up. */
  start(): Promise<void> {
    const started = new Promise<void>((resolve, reject) => {
      this.#waiting.add({ resolve, reject });
    });
    this.#fill();
    return started;
  }

  /** The queue has grown: another worker may be wanted. */
  grow(queueDepth: number): void {
    const workers = this.#workers.length - this.#threads.size;
    const starting = this.#workers.filter(({ state }) => state === 'INITIALIZING').length;
    if (wantsAnother({ queueDepth, workers, starting }, this.#options.config.workerPool)) this.addFresh();
  }

  /** One more worker if there may be, whatever the queue. @returns whether there may */
  addFresh(): boolean {
    if (this.#isClosed || this.#limit() <= this.#workers.length) return false;
    this.#add();
    return true;
  }

  /** What time brings: idle workers leave, worn ones are replaced one at a time, the pool is tried again. */
  tick(): void {
    const { clock, config } = this.#options;
    if (this.#isClosed) return;
    if (this.#modes.tryAgain(this.#serving().length > 0, clock.now())) {
      this.#options.log('info', 'speech pool is tried again');
      this.#fill();
    }
    // The last one that was replaced has to be back first.
    if (this.#leaving.size > 0 || this.#workers.some(({ state }) => state === 'INITIALIZING')) return;
    const serving = this.#serving();
    for (const worker of serving) {
      const cause = reasonToRecycle(worker, config.workerPool);
      if (cause === undefined) continue;
      this.#recycle(worker, cause);
      return;
    }
    const settled = serving.filter(isSettled).length;
    const idle = serving.filter(
      ({ state, sinceMs }) =>
        state === 'READY' && maySpare(clock.now() - sinceMs, settled, config.workerPool),
    );
    const spare = idle.find(({ refusedUntilMs }) => refusedUntilMs > clock.now()) ?? idle.at(-1);
    if (spare !== undefined) this.#remove(spare, 'nothing to do');
  }

  checkHealth(): void {
    for (const worker of this.#workers.slice()) worker.checkHealth();
  }

  /** Ends every worker. Settles when all are gone. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#restarts.stop();
    for (const { reject } of this.#waiting) reject(new Error('the pool is closing'));
    this.#waiting.clear();
    for (const worker of this.#workers.slice()) {
      if (worker.state === 'TERMINATED') this.#forget(worker);
      else worker.leave('the pool is closing');
    }
    if (this.#workers.length === 0) return;
    await new Promise<void>((resolve) => {
      this.#whenEmpty = resolve;
    });
  }

  #serving(): SpeechWorker[] {
    return this.#workers.filter(({ isServing }) => isServing);
  }

  #limit(): number {
    return this.mode === 'pool' ? this.#options.config.workerPool.maxWorkers + this.#threads.size : 1;
  }

  #fill(): void {
    const { minWorkers } = this.#options.config.workerPool;
    const least = this.mode === 'pool' ? minWorkers + this.#threads.size : 1;
    const staying = this.#workers.filter((worker) => this.#leaving.get(worker) !== 'removed').length;
    for (let count = staying; count < least; count += 1) this.#add();
  }

  #add(): void {
    const taken = new Set(this.#workers.map(({ id }) => id));
    let number = 1;
    while (taken.has(`worker-${number}`)) number += 1;
    const { config, clock, timeouts, log, onAttemptEnd } = this.#options;
    const worker = new SpeechWorker({
      id: `worker-${number}`,
      config,
      clock,
      timeouts,
      events: {
        onState: (changed, from, cause) => this.#changed(changed, from, cause),
        onAttemptEnd,
        onGone: (gone, wasReady, cause) => this.#gone(gone, wasReady, cause),
      },
    });
    worker.breaker.onChange(logBreakerChanges(log, worker.id));
    worker.breaker.onChange(({ from, to, cause }) => {
      this.#options.tell({
        kind: 'breaker-changed',
        workerId: worker.id,
        from: from.kind,
        to: to.kind,
        cause,
      });
      // A fresh process is the best trial there is.
      if (to.kind === 'open') this.#recycle(worker, 'its circuit breaker opened');
    });
    this.#workers.push(worker);
    if (this.mode === 'in-process') this.#threads.add(worker);
    this.#open(worker);
  }

  #open(worker: SpeechWorker): void {
    const { openChild, openThread } = this.#options;
    worker.start(this.#threads.has(worker) && openThread !== undefined ? openThread : openChild);
  }

  #changed(worker: SpeechWorker, from: WorkerState, cause: string | undefined): void {
    const { state } = worker;
    this.#options.tell({
      kind: 'worker-changed',
      workerId: worker.id,
      from: worker.restarts === 0 && from === 'TERMINATED' ? 'NEW' : from,
      to: state,
      ...(cause === undefined ? {} : { cause }),
    });
    if (from !== 'INITIALIZING' || state !== 'READY') return;
    this.#modes.cameUp(this.#threads.has(worker) ? 'thread' : 'process');
    for (const { resolve } of this.#waiting) resolve();
    this.#waiting.clear();
    if (!this.#threads.has(worker)) {
      for (const thread of this.#threads) this.#remove(thread, 'a speech process is back');
    }
    this.#options.onRoom();
  }

  /** Replaces its child, after what it has. One that is being lost is replaced anyway. */
  #recycle(worker: SpeechWorker, cause: string): void {
    if (this.#isClosed || this.#leaving.has(worker) || !worker.isServing) return;
    this.#leaving.set(worker, 'recycled');
    worker.leave(cause);
  }

  #remove(worker: SpeechWorker, cause: string): void {
    this.#leaving.set(worker, 'removed');
    if (worker.state === 'TERMINATED') this.#forget(worker);
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
    if (this.isHopeless) this.#giveUp(cause);
    if (this.#workers.includes(worker)) this.#restarts.schedule(worker, () => this.#open(worker));
  }

  /** In a smaller mode one place is left: one that serves, if there is one. */
  #fallBack(failed: SpeechWorker, cause: string): void {
    const { mode } = this;
    this.#options.log('error', 'speech pool falls back', { mode, cause });
    const kept = mode === 'in-process' ? [...this.#threads][0] : (this.#serving()[0] ?? failed);
    for (const worker of this.#workers.slice()) {
      if (worker !== kept) this.#remove(worker, `the pool falls back: ${mode}`);
    }
    this.#fill();
  }

  #giveUp(cause: string): void {
    for (const { reject } of this.#waiting) reject(new Error(`no speech worker comes up: ${cause}`));
    this.#waiting.clear();
    this.#options.onHopeless(cause);
  }

  #forget(worker: SpeechWorker): void {
    this.#restarts.forget(worker);
    this.#leaving.delete(worker);
    this.#threads.delete(worker);
    const at = this.#workers.indexOf(worker);
    if (at !== -1) this.#workers.splice(at, 1);
    if (this.#workers.length === 0) this.#whenEmpty?.();
  }
}
