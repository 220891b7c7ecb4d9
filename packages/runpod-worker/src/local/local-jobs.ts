import type { Clock } from '@taleback/resilience';
import { MAX_RESULT_BYTES } from '../pacing.ts';
import { encodeResult, type ResultBody } from '../result-body.ts';
import { type RunpodHandler, runHandler } from '../run-handler.ts';

/** States of a job. @see docs.runpod.io, "job states" */
export type JobStatus = 'IN_QUEUE' | 'IN_PROGRESS' | 'COMPLETED' | 'FAILED' | 'CANCELLED' | 'TIMED_OUT';

export type FinalStatus = Exclude<JobStatus, 'IN_QUEUE' | 'IN_PROGRESS'>;

/** What a job ends with. */
export interface LocalEnd {
  readonly status: FinalStatus;
  readonly output?: unknown;
  readonly error?: string | undefined;
}

/** A job as it was submitted. */
export interface Submission {
  readonly input: unknown;
  readonly webhook: string | undefined;
  /** From the start to TIMED_OUT, ms. */
  readonly executionTimeoutMs: number;
  /** From the submission to its deletion, whatever it is doing, ms. */
  readonly ttlMs: number;
}

export interface LocalJob extends Submission {
  readonly id: string;
  /** Submitted by /runsync: its result lives shorter. */
  readonly isSync: boolean;
  readonly submittedAtMs: number;
  status: JobStatus;
  startedAtMs?: number;
  endedAtMs?: number;
  /** Absent as long as there is none: the result, before it the latest progress. */
  output?: unknown;
  error?: string;
  /** Chunks of a generator that were not fetched yet. */
  chunks: unknown[];
  retries: number;
  /** Reaches the handler of the latest run. */
  run?: AbortController;
  cancelDeletion?: () => void;
}

export const isFinal = ({ status }: LocalJob): boolean => status !== 'IN_QUEUE' && status !== 'IN_PROGRESS';

const WORKER_ID = 'local';
const THROWN = { hostname: 'localhost', workerId: WORKER_ID, traceback: false } as const;
/** How long results live, ms: of /run 30 minutes, of /runsync one. */
const RETENTION_MS = { run: 1_800_000, sync: 60_000 } as const;

const round = (from: number | undefined, to: number | undefined): number | undefined =>
  from === undefined || to === undefined ? undefined : Math.round(to - from);

/** What /status answers. As JSON it has no fields that are not known, as in the cloud. */
export const envelopeOf = (job: LocalJob): Readonly<Record<string, unknown>> => ({
  delayTime: round(job.submittedAtMs, job.startedAtMs),
  error: job.error,
  executionTime: round(job.startedAtMs, job.endedAtMs),
  id: job.id,
  output: job.output,
  retries: job.retries === 0 ? undefined : job.retries,
  status: job.status,
  workerId: job.startedAtMs === undefined ? undefined : WORKER_ID,
});

/** What a webhook gets: the status, and what was submitted. */
export const submittedEnvelopeOf = (job: LocalJob): Readonly<Record<string, unknown>> => ({
  ...envelopeOf(job),
  input: job.input,
  webhook: job.webhook,
});

export interface LocalJobsParts {
  readonly handler: RunpodHandler;
  /** Jobs at once; 0 leaves them all in the queue. */
  readonly concurrency: number;
  readonly returnAggregateStream: boolean;
  readonly clock: Clock;
  /** Makes a unique id. */
  readonly newId: () => string;
  /** Called with every end of a job once. */
  readonly onEnd: (job: LocalJob) => void;
}

/** The jobs of an endpoint: their states, what is kept for how long, and the handlers that run. */
export class LocalJobs {
  readonly #parts: LocalJobsParts;
  readonly #jobs = new Map<string, LocalJob>();
  #running = 0;
  #isStopped = false;
  #changed = Promise.withResolvers<void>();

  constructor(parts: LocalJobsParts) {
    this.#parts = parts;
  }

  get all(): readonly LocalJob[] {
    return [...this.#jobs.values()];
  }

  /** Handlers that have not ended, also of jobs that are over: they hold their slots. */
  get running(): number {
    return this.#running;
  }

  get concurrency(): number {
    return this.#parts.concurrency;
  }

  find(id: string): LocalJob | undefined {
    return this.#jobs.get(id);
  }

  /** Queues a job, and starts it when it may start. */
  submit(submission: Submission, isSync: boolean): LocalJob {
    const { clock, newId } = this.#parts;
    const job: LocalJob = {
      ...submission,
      id: `${isSync ? 'sync-' : ''}${newId()}-u1`,
      isSync,
      submittedAtMs: clock.now(),
      status: 'IN_QUEUE',
      chunks: [],
      retries: 0,
    };
    this.#jobs.set(job.id, job);
    this.#deleteIn(job, job.ttlMs);
    this.#pump();
    return job;
  }

  /** The first end of a job stands; its handler's signal aborts with the reason. @returns whether this was it */
  end(job: LocalJob, { status, output, error }: LocalEnd, reason?: string): boolean {
    if (isFinal(job) || this.#jobs.get(job.id) !== job) return false;
    job.status = status;
    job.endedAtMs = this.#parts.clock.now();
    delete job.output;
    if (output !== undefined) job.output = output;
    if (error !== undefined) job.error = error;
    this.#deleteIn(job, job.isSync ? RETENTION_MS.sync : RETENTION_MS.run);
    this.#parts.onEnd(job);
    this.#change();
    if (reason !== undefined) job.run?.abort(new Error(reason));
    return true;
  }

  /** The same job waits again under the same id; its former output is gone. @returns false when it has not failed */
  retry(job: LocalJob): boolean {
    if (job.status !== 'FAILED' && job.status !== 'TIMED_OUT') return false;
    job.status = 'IN_QUEUE';
    delete job.startedAtMs;
    delete job.endedAtMs;
    delete job.output;
    delete job.error;
    job.chunks = [];
    job.retries += 1;
    this.#deleteIn(job, job.ttlMs);
    this.#pump();
    return true;
  }

  /** Takes out what waits. @returns how many */
  purge(): number {
    const queued = this.all.filter(({ status }) => status === 'IN_QUEUE');
    for (const job of queued) this.#delete(job);
    return queued.length;
  }

  /** Resolves when a job ends or is deleted, or a handler ends. */
  nextChange(): Promise<void> {
    return this.#changed.promise;
  }

  /** Starts nothing any more; resolves when nothing runs. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    while (this.#running > 0) await this.nextChange();
  }

  /** Aborts what runs, without a wait for handlers that ignore it. */
  close(): void {
    this.#isStopped = true;
    for (const job of this.all) {
      job.run?.abort(new Error('The endpoint closes.'));
      job.cancelDeletion?.();
    }
  }

  #pump(): void {
    while (!this.#isStopped && this.#running < this.#parts.concurrency) {
      const job = this.all.find(({ status }) => status === 'IN_QUEUE');
      if (job === undefined) return;
      this.#running += 1;
      void this.#run(job).finally(() => {
        this.#running -= 1;
        this.#pump();
        this.#change();
      });
    }
  }

  async #run(job: LocalJob): Promise<void> {
    const { handler, clock, returnAggregateStream } = this.#parts;
    const { id, input, webhook, executionTimeoutMs } = job;
    const run = new AbortController();
    job.run = run;
    job.status = 'IN_PROGRESS';
    job.startedAtMs = clock.now();
    // A job that was tried again meanwhile has another run.
    const isCurrent = (): boolean => job.status === 'IN_PROGRESS' && job.run === run;
    const timeOut = (): void => {
      const error = `The job ran longer than its executionTimeout of ${executionTimeoutMs} ms.`;
      if (isCurrent()) this.end(job, { status: 'TIMED_OUT', error }, error);
    };
    const cancelTimer = clock.setTimer(timeOut, executionTimeoutMs);
    const progress = (value: unknown): void => {
      if (isCurrent()) job.output = value;
    };
    const { body } = await runHandler(handler, {
      job: { id, input, ...(webhook === undefined ? {} : { webhook }) },
      context: { signal: run.signal, progress },
      onChunk: async (chunk) => void (isCurrent() && job.chunks.push(chunk)),
      keepChunks: returnAggregateStream,
      ...THROWN,
    });
    cancelTimer();
    if (!isCurrent()) return;
    // Through JSON, as over the wire: what cannot be written or is too large fails here as it fails there.
    const { output, error } = JSON.parse(encodeResult(body, MAX_RESULT_BYTES)) as ResultBody;
    this.end(job, { status: error === undefined ? 'COMPLETED' : 'FAILED', output, error });
  }

  #deleteIn(job: LocalJob, delayMs: number): void {
    job.cancelDeletion?.();
    job.cancelDeletion = this.#parts.clock.setTimer(() => this.#delete(job), delayMs);
  }

  #delete(job: LocalJob): void {
    job.cancelDeletion?.();
    this.#jobs.delete(job.id);
    if (!isFinal(job)) job.run?.abort(new Error('The job was deleted.'));
    this.#change();
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
