import type { Clock } from '@taleback/resilience';

/** States of a job. @see docs.runpod.io, "job states" */
export type JobStatus = 'IN_QUEUE' | 'IN_PROGRESS' | 'COMPLETED' | 'FAILED' | 'CANCELLED' | 'TIMED_OUT';

export type FinalStatus = Exclude<JobStatus, 'IN_QUEUE' | 'IN_PROGRESS'>;

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
  startedAtMs: number | undefined;
  endedAtMs: number | undefined;
  /** Absent as long as there is none: the result, before it the latest progress. */
  output?: unknown;
  error?: string;
  /** Chunks of a generator that were not fetched yet. */
  chunks: unknown[];
  retries: number;
}

export const isFinal = ({ status }: LocalJob): boolean => status !== 'IN_QUEUE' && status !== 'IN_PROGRESS';

export const WORKER_ID = 'local';

const round = (from: number | undefined, to: number | undefined): number | undefined =>
  from === undefined || to === undefined ? undefined : Math.round(to - from);

/** What /status answers. Fields that are not known are left out, as in the cloud. */
export const envelopeOf = (job: LocalJob): Readonly<Record<string, unknown>> => {
  const delayTime = round(job.submittedAtMs, job.startedAtMs);
  const executionTime = round(job.startedAtMs, job.endedAtMs);
  return {
    ...(delayTime === undefined ? {} : { delayTime }),
    ...(job.error === undefined ? {} : { error: job.error }),
    ...(executionTime === undefined ? {} : { executionTime }),
    id: job.id,
    ...(job.output === undefined ? {} : { output: job.output }),
    ...(job.retries === 0 ? {} : { retries: job.retries }),
    status: job.status,
    ...(job.startedAtMs === undefined ? {} : { workerId: WORKER_ID }),
  };
};

/** What a webhook gets: the status, and what was submitted. */
export const webhookBodyOf = (job: LocalJob): Readonly<Record<string, unknown>> => ({
  ...envelopeOf(job),
  input: job.input,
  webhook: job.webhook,
});

/** How long results live, ms: of /run 30 minutes, of /runsync one. */
const RETENTION_MS = { run: 1_800_000, sync: 60_000 } as const;

/** What a job ends with. */
export interface LocalEnd {
  readonly status: FinalStatus;
  readonly output?: unknown;
  readonly error?: string | undefined;
}

export interface JobBoardParts {
  readonly clock: Clock;
  /** Makes a unique id. */
  readonly newId: () => string;
  /** Hears every end of a job once. */
  readonly onEnd: (job: LocalJob) => void;
  /** A job is gone: it was deleted while it waited or ran. */
  readonly onDeleted: (job: LocalJob) => void;
}

/** The jobs and their states: what is kept, for how long, and which change is allowed. */
export class JobBoard {
  readonly #parts: JobBoardParts;
  readonly #jobs = new Map<string, LocalJob>();
  readonly #timers = new Map<string, () => void>();
  readonly #listeners = new Set<() => void>();

  constructor(parts: JobBoardParts) {
    this.#parts = parts;
  }

  get jobs(): readonly LocalJob[] {
    return [...this.#jobs.values()];
  }

  add(submission: Submission, isSync: boolean): LocalJob {
    const { clock, newId } = this.#parts;
    const id = `${isSync ? 'sync-' : ''}${newId()}-u1`;
    const job: LocalJob = {
      ...submission,
      id,
      isSync,
      submittedAtMs: clock.now(),
      status: 'IN_QUEUE',
      startedAtMs: undefined,
      endedAtMs: undefined,
      chunks: [],
      retries: 0,
    };
    this.#jobs.set(id, job);
    this.#deleteIn(job, job.ttlMs);
    return job;
  }

  find(id: string): LocalJob | undefined {
    return this.#jobs.get(id);
  }

  nextQueued(): LocalJob | undefined {
    return this.jobs.find(({ status }) => status === 'IN_QUEUE');
  }

  begin(job: LocalJob): void {
    job.status = 'IN_PROGRESS';
    job.startedAtMs = this.#parts.clock.now();
  }

  /** The first end of a job stands. @returns whether this was it */
  end(job: LocalJob, { status, output, error }: LocalEnd): boolean {
    if (isFinal(job) || this.#jobs.get(job.id) !== job) return false;
    job.status = status;
    job.endedAtMs = this.#parts.clock.now();
    delete job.output;
    if (output !== undefined) job.output = output;
    if (error !== undefined) job.error = error;
    this.#deleteIn(job, job.isSync ? RETENTION_MS.sync : RETENTION_MS.run);
    this.#parts.onEnd(job);
    for (const listener of this.#listeners) listener();
    return true;
  }

  /** The same job waits again under the same id; its former output is gone. @returns false when it has not failed */
  retry(job: LocalJob): boolean {
    if (job.status !== 'FAILED' && job.status !== 'TIMED_OUT') return false;
    job.status = 'IN_QUEUE';
    job.startedAtMs = undefined;
    job.endedAtMs = undefined;
    delete job.output;
    delete job.error;
    job.chunks = [];
    job.retries += 1;
    this.#deleteIn(job, job.ttlMs);
    return true;
  }

  /** Takes out what waits. @returns how many */
  purge(): number {
    const queued = this.jobs.filter(({ status }) => status === 'IN_QUEUE');
    for (const job of queued) this.#delete(job);
    return queued.length;
  }

  /** Calls whenever a job ends. @returns a function that ends it */
  watch(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  close(): void {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  #deleteIn(job: LocalJob, delayMs: number): void {
    this.#timers.get(job.id)?.();
    this.#timers.set(
      job.id,
      this.#parts.clock.setTimer(() => this.#delete(job), delayMs),
    );
  }

  #delete(job: LocalJob): void {
    this.#timers.get(job.id)?.();
    this.#timers.delete(job.id);
    this.#jobs.delete(job.id);
    if (!isFinal(job)) this.#parts.onDeleted(job);
    for (const listener of this.#listeners) listener();
  }
}
