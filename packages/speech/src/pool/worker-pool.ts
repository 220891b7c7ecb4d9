import { errorFromReport, TalebackError } from '@taleback/core';
import type { Pcm } from '../audio/pcm.ts';
import { stretched } from '../audio/stretch.ts';
import { cancellationOf } from '../cancellation.ts';
import type { SpeechChunk, SynthesisOptions } from '../engines/engine.ts';
import { type Balancer, createBalancer } from './balancer.ts';
import { Roster } from './roster.ts';
import { engineOptions } from './speech-child.ts';
import { closing, RequestQueue, retryDelayMs, SpeechJob } from './speech-job.ts';
import {
  attemptEnded,
  type AttemptEnd,
  type HostedPlugin,
  type LineOptions,
  type PoolSnapshot,
  requestSpoken,
  type SpeechLine,
} from './speech-line.ts';
import type { SpeechWorker } from './speech-worker.ts';

/** How often idleness and wear are checked, in milliseconds. */
const TICK_MS = 1_000;

/**
 * Speech processes behind one queue. A request waits, goes to the worker that the balancer chooses, and is tried again
 * elsewhere when its worker is lost or fails; it ends exactly once, with sound or with a TalebackError.
 */
export class WorkerPool implements SpeechLine {
  readonly #plugin: HostedPlugin;
  readonly #options: LineOptions;
  readonly #queue: RequestQueue;
  readonly #roster: Roster;
  readonly #choose: Balancer;
  readonly #stops = new Set<() => void>();
  #acceptedCount = 0;
  #isDispatching = false;
  #isClosing = false;
  /** The time to drain is over: failed attempts are not repeated. */
  #isAbandoning = false;
  #whenDrained: () => void = () => {};
  #closed: Promise<void> | undefined;

  constructor(plugin: HostedPlugin, options: LineOptions) {
    this.#plugin = plugin;
    this.#options = options;
    this.#queue = new RequestQueue(options.clock);
    this.#choose = createBalancer(options.config.workerPool.balancing);
    this.#roster = new Roster({
      ...options,
      plugin,
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
    this.#repeat(TICK_MS, () => this.#tick());
    this.#repeat(this.#options.config.health.intervalMs, () => this.#roster.checkHealth());
    try {
      await this.#roster.start();
    } catch (error) {
      throw this.#isClosing ? closing() : noWorker((error as Error).message);
    }
  }

  /**
   * Speaks a short text. Not async: a chunk that needs nothing else gets the promise of its job, which saves a microtask.
   *
   * @throws TalebackError the engine's own; `queue_full`, `circuit_open`, `timed_out`, `worker_lost`,
   * `model_loading_failed`; `job_cancelled` when the pool closes; and the result of `cancellationOf(signal)`
   */
  speak(chunk: SpeechChunk, options: SynthesisOptions = {}): Promise<Pcm> {
    const { hasOneSpeed = false, keepProfile } = this.#plugin;
    const { profile, style, speed = 1 } = chunk;
    const needsStretching = hasOneSpeed && speed !== 1;
    const ownSpeed = needsStretching ? undefined : speed;
    if (!needsStretching && profile === undefined && style === undefined)
      return this.#request(chunk, options, ownSpeed);
    return (async () => {
      const path = profile === undefined ? undefined : await keepProfile?.(profile);
      const sound = await this.#request(chunk, options, ownSpeed, engineOptions(path, style));
      return needsStretching ? stretched(sound, speed) : sound;
    })();
  }

  #request(
    { text, voiceId, language }: SpeechChunk,
    { signal, priority, tenant = '' }: SynthesisOptions,
    speed: number | undefined,
    engineOptions?: Readonly<Record<string, unknown>>,
  ): Promise<Pcm> {
    const { clock, publish, config } = this.#options;
    const refusal = this.#refusal(signal);
    if (refusal !== undefined) {
      publish({ kind: 'refused', code: refusal.code });
      return Promise.reject(refusal);
    }
    this.#acceptedCount += 1;
    const request = { text, voiceId, speed, language, priority, engineOptions };
    const { modelOf, name } = this.#plugin;
    const model = config.workerPool.modelSpecialization ? modelOf(voiceId) : name;
    const job = new SpeechJob(this.#acceptedCount, request, model, clock.now());
    publish({ kind: 'accepted', priority: job.priority });
    if (signal !== undefined) this.#listen(job, signal);
    this.#queue.push(job, tenant);
    this.#dispatch();
    this.#roster.grow(this.#queue.size);
    return job.promise;
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

  resetBreakers(): void {
    for (const worker of this.#roster.workers) worker.resetBreaker();
    this.#dispatch();
  }

  close(drainMs = 0): Promise<void> {
    this.#closed ??= this.#close(drainMs);
    return this.#closed;
  }

  async #close(drainMs: number): Promise<void> {
    this.#isClosing = true;
    if (drainMs > 0 && !this.#isIdle()) {
      const drained = Promise.withResolvers<void>();
      this.#whenDrained = drained.resolve;
      const stop = this.#options.clock.setTimer(drained.resolve, drainMs);
      await drained.promise;
      stop();
    }
    this.#isAbandoning = true;
    this.#failAll(closing);
    for (const stop of this.#stops) stop();
    const gone = this.#roster.close();
    for (const { queueDepth, life } of this.#roster.workers.slice()) {
      if (queueDepth > 0) life.kill('the pool is closing');
    }
    await gone;
  }

  /** Runs it after every interval, until the pool closes. */
  #repeat(intervalMs: number, run: () => void): void {
    const stop = this.#options.clock.setTimer(() => {
      this.#stops.delete(stop);
      run();
      if (!this.#isAbandoning) this.#repeat(intervalMs, run);
    }, intervalMs);
    this.#stops.add(stop);
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
    if (this.#isClosing && this.#isIdle()) this.#whenDrained();
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
    worker.run(job, permit, (end, generationMs) => {
      publish(attemptEnded(worker.id, end, generationMs));
      this.#attemptEnded(job, end);
      this.#dispatch();
    });
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
    const { publish } = this.#options;
    this.#failAll(() => {
      publish({ kind: 'breaker-rejected', engine: this.#plugin.name, retryAfterMs: options.retryAfterMs });
      return new TalebackError('circuit_open', 'Every speech process has failed too often.', options);
    });
  }

  #attemptEnded(job: SpeechJob, end: AttemptEnd): void {
    const { clock, config, random, publish } = this.#options;
    if (end.kind === 'spoken') {
      if (job.end(end)) publish(requestSpoken(clock.now() - job.acceptedAtMs, end.sound, job.request.text));
      return;
    }
    if (job.isEnded) return;
    const { error } = end;
    const delayMs = retryDelayMs(error, job, config, random);
    if (this.#isAbandoning || delayMs === undefined) {
      this.#fail(job, this.#isAbandoning ? closing() : errorFromReport(error));
      return;
    }
    const { name: engine } = this.#plugin;
    publish({ kind: 'retried', engine, code: error.code, attempt: job.attempts + 1 });
    if (delayMs === 0) this.#queue.pushAgain(job);
    else this.#queue.pushLater(job, delayMs, () => this.#dispatch());
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

const noWorker = (details: string): TalebackError =>
  new TalebackError('model_loading_failed', 'No speech process could be started.', { details });
