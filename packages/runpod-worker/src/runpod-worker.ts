import { setMaxListeners } from 'node:events';
import type { OutboxStore } from '@taleback/outbox';
import { type Random, wait } from '@taleback/resilience';
import { type JobRunnerParts, runJob } from './job-runner.ts';
import type { RunpodLog } from './log.ts';
import { LAST_RESULTS_MS, MAX_RESULT_BYTES, OUTBOX_SWEEP_MS, STOP_GRACE_MS } from './pacing.ts';
import { type KeepableJob, Platform, type PlatformParts, resultAddress } from './platform.ts';
import { type Concurrency, createConcurrencyReader, runPingLoop, runStopLoop, runTakeLoop } from './polls.ts';
import type { FaultyEntry } from './read-answers.ts';
import { bodyOfThrown } from './result-body.ts';
import { Results, type TakenJob } from './results.ts';
import type { RunpodHandler } from './run-handler.ts';
import { UnderWay } from './under-way.ts';

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
  /** What of a job is kept on the disk until its result is accepted. Default: all of it. */
  readonly keepable?: KeepableJob;
}

export interface RunpodWorkerParts extends PlatformParts {
  readonly store: OutboxStore;
  readonly memory: OutboxStore;
  readonly random: Random;
  readonly log: RunpodLog;
  /** Makes a unique id. */
  readonly newId: () => string;
}

/** A worker that serves RunPod's queue. Make it, `start` it, and `stop` it or wait for `ended`. */
export class RunpodWorker {
  /** Resolves when the worker has ended: stopped, or for a fresh one to take its place. */
  readonly ended: Promise<void>;

  readonly #parts: RunpodWorkerParts;
  readonly #platform: Platform;
  readonly #underWay = new UnderWay();
  readonly #results: Results;
  readonly #runner: JobRunnerParts;
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
  readonly #end = Promise.withResolvers<void>();
  #sequence = 0;

  constructor(handler: RunpodHandler, options: RunpodWorkerOptions, parts: RunpodWorkerParts) {
    this.#parts = parts;
    this.#platform = new Platform(parts);
    this.ended = this.#end.promise;
    const keepable: KeepableJob = options.keepable ?? (async (job) => job);
    this.#results = new Results({ ...parts, platform: this.#platform, keepable });
    this.#limit = createConcurrencyReader(options.concurrency ?? 1, parts.log);
    this.#runner = {
      ...parts,
      handler,
      platform: this.#platform,
      returnAggregateStream: options.returnAggregateStream ?? false,
      refreshWorker: options.refreshWorker ?? false,
      traceback: options.traceback ?? false,
      maxResultBytes: options.maxResultBytes ?? MAX_RESULT_BYTES,
      leaving: this.#leaving.signal,
    };
    // Every job that runs listens to it.
    setMaxListeners(0, this.#leaving.signal, this.#ending.signal);
  }

  /** Begins to ping, to send what killed workers left, and to take jobs. */
  start(): void {
    const loop = { ...this.#parts, platform: this.#platform };
    const jobIds = (): readonly string[] => [...new Set([...this.#underWay.ids, ...this.#results.jobIds])];
    const onStop = (jobId: string): void => {
      if (this.#underWay.abort(jobId, 'stopped-by-platform')) loop.log('info', 'job stopped', { jobId });
    };
    const pinging = runPingLoop(loop, jobIds, this.#over.signal);
    const stopping = runStopLoop(loop, onStop, this.#over.signal);
    this.#taking = this.#take();
    this.#loops = Promise.all([pinging, stopping, this.#sweep()]);
  }

  /**
   * Takes no more jobs, waits for those under way and for their results. A job that the open poll still returns is served.
   * After `graceMs` the poll is given up and what still runs is aborted and answered with an error; a result that
   * is not accepted soon after stays in the outbox.
   */
  stop(graceMs: number = STOP_GRACE_MS): Promise<void> {
    this.#stopped ??= this.#shutDown(graceMs).finally(this.#end.resolve);
    return this.#stopped;
  }

  async #take(): Promise<void> {
    await this.#results.open();
    await this.#results.collect();
    await runTakeLoop({
      ...this.#parts,
      platform: this.#platform,
      underWay: this.#underWay,
      limit: this.#limit,
      waitingResults: () => this.#results.jobIds.length,
      beginLeftover: () => {
        const taken = this.#results.nextLeft();
        if (taken !== undefined) this.#begin(taken);
        return taken !== undefined;
      },
      onTaken: ({ jobs, faulty }) => {
        for (const entry of faulty) void this.#answerFaulty(entry);
        return jobs.filter((job) => this.#begin(this.#newTaken(job))).length;
      },
      ending: this.#ending.signal,
      leaving: this.#leaving.signal,
    });
  }

  async #sweep(): Promise<void> {
    const { clock } = this.#parts;
    for (;;) {
      await wait(clock, OUTBOX_SWEEP_MS, this.#ending.signal);
      if (this.#ending.signal.aborted) return;
      await this.#results.collect();
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
    const signal = this.#underWay.begin(id);
    if (signal === undefined) {
      this.#parts.log('warn', 'job handed out again while it runs', { jobId: id });
      void this.#results.forgetJob(taken.key);
      return false;
    }
    void this.#serve(taken, signal).finally(() => this.#underWay.end(id));
    return true;
  }

  async #serve(taken: TakenJob, signal: AbortSignal): Promise<void> {
    const { key, job, workerId } = taken;
    this.#parts.log('info', 'job taken', { jobId: job.id, runs: taken.runs });
    await this.#results.keepJob(taken);
    const end = await runJob(taken, signal, this.#runner).catch((error: unknown) => {
      // A fault of ours.
      const { settings } = this.#parts;
      const body = JSON.stringify(bodyOfThrown(error, { ...settings, traceback: false }));
      return { url: resultAddress(settings, workerId, job.id, false), body, stopPod: false };
    });
    if (end === undefined) return this.#results.forgetJob(key);
    await this.#results.post({ key, jobId: job.id, url: end.url, body: end.body });
    this.#parts.log('info', 'job done', { jobId: job.id });
    if (end.stopPod) void this.stop();
  }

  async #answerFaulty({ id, fault }: FaultyEntry): Promise<void> {
    const { settings, log } = this.#parts;
    log('error', 'job cannot be run', { jobId: id, fault });
    if (id === undefined || this.#underWay.ids.includes(id)) return;
    const url = resultAddress(settings, settings.workerId, id, false);
    const body = JSON.stringify({ error: fault });
    await this.#results.post({ key: this.#newKey(), jobId: id, url, body });
  }

  async #shutDown(graceMs: number): Promise<void> {
    const { clock, log } = this.#parts;
    log('info', 'worker stopping', { jobs: this.#underWay.count, results: this.#results.jobIds.length });
    this.#ending.abort();
    const done = new AbortController();
    const drained = this.#taking.then(() => this.#underWay.idle()).then(() => this.#results.drained());
    await Promise.race([drained, wait(clock, graceMs, done.signal)]);
    this.#leaving.abort();
    for (const id of this.#underWay.ids) this.#underWay.abort(id, 'worker-stopping');
    await this.#taking;
    const answered = this.#underWay.idle().then(() => this.#results.drained());
    await Promise.race([answered, wait(clock, LAST_RESULTS_MS, done.signal)]);
    done.abort();
    await this.#results.close();
    await answered;
    this.#over.abort();
    await this.#loops;
    log('info', 'worker stopped');
  }
}
