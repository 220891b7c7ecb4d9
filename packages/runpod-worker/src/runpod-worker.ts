import { setMaxListeners } from 'node:events';
import type { Clock, Random } from '@taleback/resilience';
import { resultAddress } from './addresses.ts';
import { type Concurrency, createConcurrencyReader } from './concurrency.ts';
import { deferred } from './deferred.ts';
import type { RunpodHandler } from './handler.ts';
import type { HttpSend } from './http.ts';
import { type JobEnd, JobRunner } from './job-runner.ts';
import { Leftovers } from './leftovers.ts';
import { LAST_RESULTS_MS, MAX_RESULT_BYTES, OUTBOX_SWEEP_MS, SLOT_HOLD_MS, STOP_GRACE_MS } from './pacing.ts';
import { pause } from './pause.ts';
import { runPingLoop } from './ping-loop.ts';
import { Platform } from './platform.ts';
import type { RunpodLog } from './protocol.ts';
import type { FaultyEntry } from './read-take.ts';
import { bodyOfThrown, errorText } from './result-body.ts';
import type { ResultOutbox, TakenJob } from './result-outbox.ts';
import { ResultSender } from './result-sender.ts';
import type { RunpodSettings } from './settings.ts';
import { runStopLoop } from './stop-loop.ts';
import { runTakeLoop } from './take-loop.ts';
import { type JobUnderWay, UnderWay } from './under-way.ts';

export interface RunpodWorkerOptions {
  /** Default 1. */
  readonly concurrency?: Concurrency;
  /** Whether the final result of a generator repeats all its chunks. Default false. */
  readonly returnAggregateStream?: boolean;
  /** Whether the worker asks for a fresh one after each job, and takes no more. Default false. */
  readonly refreshWorker?: boolean;
  /** Whether the stack of what a handler threw goes out with the error, for everyone who may read the job. Default false. */
  readonly traceback?: boolean;
  /** Larger results become errors. Default 20 MiB. */
  readonly maxResultBytes?: number;
}

export interface RunpodWorkerParts {
  readonly settings: RunpodSettings;
  readonly http: HttpSend;
  readonly outbox: ResultOutbox;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: RunpodLog;
  /** An id that nobody else makes. */
  readonly newId: () => string;
}

/** A worker that serves RunPod's queue. Make it, `start` it, and `stop` it or let `ended` tell. */
export class RunpodWorker {
  /** Resolves when the worker has ended: stopped, or for a fresh one to take its place. */
  get ended(): Promise<void> {
    return this.#end.promise;
  }

  readonly #parts: RunpodWorkerParts;
  readonly #platform: Platform;
  readonly #underWay = new UnderWay();
  readonly #sender: ResultSender;
  readonly #runner: JobRunner;
  readonly #leftovers: Leftovers;
  readonly #limit: () => Promise<number>;
  /** No poll begins. */
  readonly #ending = new AbortController();
  /** The open poll is given up. */
  readonly #leaving = new AbortController();
  /** Pings and stop polls end. */
  readonly #over = new AbortController();
  #loops: Promise<unknown> = Promise.resolve();
  #taking: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;
  readonly #end = deferred();
  #sequence = 0;

  constructor(handler: RunpodHandler, options: RunpodWorkerOptions, parts: RunpodWorkerParts) {
    const { settings, outbox, clock, random, log } = parts;
    this.#parts = parts;
    this.#platform = new Platform(parts);
    this.#sender = new ResultSender({ platform: this.#platform, outbox, clock, random, log });
    this.#leftovers = new Leftovers({ outbox, sender: this.#sender, settings, clock, log });
    this.#limit = createConcurrencyReader(options.concurrency ?? 1, log);
    this.#runner = new JobRunner({
      handler,
      platform: this.#platform,
      returnAggregateStream: options.returnAggregateStream ?? false,
      refreshWorker: options.refreshWorker ?? false,
      traceback: options.traceback ?? false,
      maxResultBytes: options.maxResultBytes ?? MAX_RESULT_BYTES,
      leaving: this.#leaving.signal,
      clock,
      random,
      log,
    });
    // Every job that runs listens to it.
    setMaxListeners(0, this.#leaving.signal, this.#ending.signal);
  }

  /** Begins to ping, to send what killed workers left, and to take jobs. */
  start(): void {
    const { clock, random, log } = this.#parts;
    const platform = this.#platform;
    const jobIds = (): readonly string[] => [...new Set([...this.#underWay.ids, ...this.#sender.jobIds])];
    const onStop = (jobId: string): void => {
      if (this.#underWay.abort(jobId, 'stopped-by-platform')) log('info', 'job stopped', { jobId });
    };
    const pinging = runPingLoop({ platform, jobIds, clock, log }, this.#over.signal);
    const stopping = runStopLoop({ platform, onStop, clock, random, log }, this.#over.signal);
    this.#taking = this.#take();
    this.#loops = Promise.all([pinging, stopping, this.#sweep()]);
  }

  /**
   * Takes no more jobs, waits for those under way and for their results. A job that the open poll still brings is served.
   * After `graceMs` the poll is given up and what still runs is aborted and answered with an error; a result that
   * is not accepted soon after stays in the outbox.
   */
  stop(graceMs: number = STOP_GRACE_MS): Promise<void> {
    this.#stopped ??= this.#shutDown(graceMs).finally(this.#end.resolve);
    return this.#stopped;
  }

  async #take(): Promise<void> {
    const { clock, random, log } = this.#parts;
    await this.#leftovers.collect();
    const beginLeftover = (): boolean => {
      const taken = this.#leftovers.next();
      if (taken !== undefined) this.#begin(taken);
      return taken !== undefined;
    };
    await runTakeLoop(
      {
        platform: this.#platform,
        underWay: this.#underWay,
        limit: this.#limit,
        waitingResults: () => this.#sender.waiting,
        beginLeftover,
        onTaken: ({ jobs, faulty }) => {
          for (const entry of faulty) void this.#answerFaulty(entry);
          return jobs.filter((job) => this.#begin(this.#newTaken(job))).length;
        },
        clock,
        random,
        log,
      },
      { ending: this.#ending.signal, leaving: this.#leaving.signal },
    );
  }

  async #sweep(): Promise<void> {
    const { clock } = this.#parts;
    for (;;) {
      await pause(clock, OUTBOX_SWEEP_MS, this.#ending.signal);
      if (this.#ending.signal.aborted) return;
      await this.#leftovers.collect();
    }
  }

  #newTaken(job: TakenJob['job']): TakenJob {
    const { settings, clock } = this.#parts;
    return { key: this.#newKey(), workerId: settings.workerId, takenAtMs: clock.now(), runs: 1, job };
  }

  /** Sorts by age. */
  #newKey(): string {
    const { clock, newId } = this.#parts;
    const age = Math.floor(clock.now()).toString(36).padStart(9, '0');
    this.#sequence += 1;
    return `${age}-${this.#sequence.toString(36).padStart(6, '0')}-${newId().slice(0, 8).toLowerCase()}`;
  }

  /** @returns false for a job that runs already */
  #begin(taken: TakenJob): boolean {
    const { id } = taken.job;
    const underWay = this.#underWay.begin(id);
    if (underWay === undefined) {
      this.#parts.log('warn', 'job handed out again while it runs', { jobId: id });
      void this.#forget(taken.key);
      return false;
    }
    void this.#serve(taken, underWay).finally(() => this.#underWay.end(id));
    return true;
  }

  async #serve(taken: TakenJob, underWay: JobUnderWay): Promise<void> {
    const { outbox, clock, log } = this.#parts;
    const { key, job } = taken;
    log('info', 'job taken', { jobId: job.id, runs: taken.runs });
    await outbox
      .keepJob(taken)
      .catch((error: unknown) => log('error', 'job not kept', { jobId: job.id, error: errorText(error) }));
    const end = await this.#runner.run(taken, underWay).catch((error: unknown) => this.#broken(taken, error));
    if (end.kind === 'stopped') return this.#forget(key);
    const result = { key, jobId: job.id, url: end.url, body: end.body, keptAtMs: clock.now() };
    const { tried } = await this.#sender.post(result);
    const held = new AbortController();
    await Promise.race([tried, pause(clock, SLOT_HOLD_MS, held.signal)]);
    held.abort();
    log('info', 'job done', { jobId: job.id });
    if (end.stopPod) void this.stop();
  }

  async #forget(key: string): Promise<void> {
    const { outbox, log } = this.#parts;
    await outbox
      .forget(key)
      .catch((error: unknown) => log('error', 'outbox not updated', { error: errorText(error) }));
  }

  /** A fault of ours, such as an output that runs code when it is read. */
  #broken({ job, workerId }: TakenJob, error: unknown): JobEnd {
    const { settings } = this.#parts;
    const url = resultAddress(settings, workerId, job.id, false);
    const body = JSON.stringify(bodyOfThrown(error, { ...settings, traceback: false }));
    return { kind: 'result', url, body, stopPod: false };
  }

  async #answerFaulty({ id, fault }: FaultyEntry): Promise<void> {
    const { settings, clock, log } = this.#parts;
    log('error', 'job cannot be run', { jobId: id, fault });
    if (id === undefined || this.#underWay.ids.includes(id)) return;
    const url = resultAddress(settings, settings.workerId, id, false);
    const body = JSON.stringify({ error: fault });
    await this.#sender.post({ key: this.#newKey(), jobId: id, url, body, keptAtMs: clock.now() });
  }

  async #shutDown(graceMs: number): Promise<void> {
    const { clock, outbox, log } = this.#parts;
    log('info', 'worker stopping', { jobs: this.#underWay.count, results: this.#sender.waiting });
    this.#ending.abort();
    const done = new AbortController();
    const drained = this.#taking.then(() => this.#underWay.idle()).then(() => this.#sender.drained());
    await Promise.race([drained, pause(clock, graceMs, done.signal)]);
    this.#leaving.abort();
    this.#underWay.abortAll('worker-stopping');
    await this.#taking;
    const answered = this.#underWay.idle().then(() => this.#sender.drained());
    await Promise.race([answered, pause(clock, LAST_RESULTS_MS, done.signal)]);
    done.abort();
    await this.#sender.close();
    await answered;
    this.#over.abort();
    await this.#loops;
    await outbox
      .close()
      .catch((error: unknown) => log('error', 'outbox not closed', { error: errorText(error) }));
    log('info', 'worker stopped');
  }
}
