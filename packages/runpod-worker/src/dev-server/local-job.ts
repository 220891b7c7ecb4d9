/** States of a job. @see docs.runpod.io, "job states" */
export type JobStatus = 'IN_QUEUE' | 'IN_PROGRESS' | 'COMPLETED' | 'FAILED' | 'CANCELLED' | 'TIMED_OUT';

export type FinalStatus = Exclude<JobStatus, 'IN_QUEUE' | 'IN_PROGRESS'>;

export interface LocalJob {
  readonly id: string;
  readonly input: unknown;
  readonly webhook: string | undefined;
  /** From the start to TIMED_OUT, ms. */
  readonly executionTimeoutMs: number;
  /** From the submission to its deletion, whatever it is doing, ms. */
  readonly ttlMs: number;
  /** Submitted by /runsync: its result lives shorter. */
  readonly isSync: boolean;
  readonly submittedAtMs: number;
  status: JobStatus;
  startedAtMs: number | undefined;
  endedAtMs: number | undefined;
  /** Absent as long as there is none: the result, before it the latest progress. */
  output?: unknown;
  error?: string;
  /** Chunks of a generator that nobody fetched yet. */
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
