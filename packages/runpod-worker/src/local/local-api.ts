import { bearsToken } from '@taleback/outbox';
import { type Clock, tryWithDeadline } from '@taleback/resilience';
import { z } from 'zod';
import { envelopeOf, isFinal, type LocalJob, type LocalJobs, type Submission } from './local-jobs.ts';

/** @see docs.runpod.io, "execution policies" */
const TEN_MINUTES_MS = 600_000;
const ONE_DAY_MS = 86_400_000;
const SEVEN_DAYS_MS = 7 * ONE_DAY_MS;

const submission = z.object({
  input: z.record(z.string(), z.unknown()),
  webhook: z.url({ protocol: /^https?$/, error: 'must be an http or https address' }).nullish(),
  policy: z
    .object({
      executionTimeout: z.number().min(1).max(SEVEN_DAYS_MS).nullish(),
      ttl: z.number().min(1).max(SEVEN_DAYS_MS).nullish(),
    })
    .nullish(),
});

/** Reads the body of /run and /runsync. The cloud's least times of 5 and 10 s are not enforced, for tests' sake. */
const parseSubmission = (body: string): Submission | { readonly fault: string } => {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return { fault: 'the body is not JSON' };
  }
  const result = submission.safeParse(json);
  if (!result.success) {
    const faults = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    return { fault: faults.join('; ') };
  }
  const { input, webhook, policy } = result.data;
  return {
    input,
    webhook: webhook ?? undefined,
    executionTimeoutMs: policy?.executionTimeout ?? TEN_MINUTES_MS,
    ttlMs: policy?.ttl ?? ONE_DAY_MS,
  };
};

export interface LocalRequest {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly authorization: string | undefined;
  readonly body: string;
}

export interface LocalAnswer {
  readonly status: number;
  readonly json: unknown;
}

/** Wait of /runsync and /status-sync, ms. */
const WAIT_MS = { least: 1_000, most: 300_000, standard: 90_000 } as const;

/** Largest body, bytes. @see docs.runpod.io, "payload limits" */
export const bodyLimitOf = (path: string): number => (path.endsWith('/runsync') ? 20 : 10) * 1024 * 1024;

const ok = (json: unknown): LocalAnswer => ({ status: 200, json });
const failed = (status: number, error: string): LocalAnswer => ({ status, json: { error } });

const NOT_FOUND = failed(404, 'job not found');

const waitOf = (query: URLSearchParams): number => {
  const asked = Number(query.get('wait') ?? WAIT_MS.standard);
  return Number.isFinite(asked) ? Math.min(Math.max(asked, WAIT_MS.least), WAIT_MS.most) : WAIT_MS.standard;
};

/** RunPod's API for the clients of an endpoint. */
export class LocalApi {
  readonly #jobs: LocalJobs;
  readonly #apiKey: string | undefined;
  readonly #clock: Clock;

  /** @param apiKey undefined lets every client in */
  constructor(jobs: LocalJobs, apiKey: string | undefined, clock: Clock) {
    this.#jobs = jobs;
    this.#apiKey = apiKey;
    this.#clock = clock;
  }

  async answer({ method, path, query, authorization, body }: LocalRequest): Promise<LocalAnswer> {
    const key = this.#apiKey;
    if (key !== undefined && !bearsToken(authorization, key)) return failed(401, 'unauthorized');
    // `/v2/{endpoint}` may stand before the operation.
    const [, operation = '', jobId = ''] = path.replace(/^\/v2\/[^/]+/, '').split('/');
    const call = `${method} /${operation}`;
    switch (call) {
      case 'POST /run':
        return this.#run(body);
      case 'POST /runsync':
        return this.#run(body, waitOf(query));
      case 'GET /health':
        return ok(this.#health());
      case 'POST /purge-queue':
        return ok({ removed: this.#jobs.purge(), status: 'completed' });
      default: {
        const answer = this.#ofJob[call];
        if (answer === undefined) return failed(404, 'no such operation');
        const job = this.#jobs.find(jobId);
        return job === undefined ? NOT_FOUND : answer(job, query);
      }
    }
  }

  readonly #status = (job: LocalJob): LocalAnswer => ok(envelopeOf(job));

  /** The chunks since the last call. */
  readonly #stream = (job: LocalJob): LocalAnswer =>
    ok({ status: job.status, stream: job.chunks.splice(0).map((output) => ({ output })) });

  readonly #ofJob: Readonly<
    Record<string, (job: LocalJob, query: URLSearchParams) => LocalAnswer | Promise<LocalAnswer>>
  > = {
    'GET /status': this.#status,
    'POST /status': this.#status,
    'GET /status-sync': (job, query) => this.#wait(job, waitOf(query)),
    'GET /stream': this.#stream,
    'POST /stream': this.#stream,
    'POST /cancel': (job) => {
      this.#jobs.end(job, { status: 'CANCELLED' }, 'The job was cancelled.');
      return ok({ id: job.id, status: job.status });
    },
    'POST /retry': (job) =>
      this.#jobs.retry(job)
        ? ok({ id: job.id, status: 'IN_QUEUE' })
        : failed(400, `a job that is ${job.status} cannot be tried again`),
  };

  /** Answers at once, or with how the job stands after a wait. */
  async #run(body: string, waitMs?: number): Promise<LocalAnswer> {
    const parsed = parseSubmission(body);
    if ('fault' in parsed) return failed(400, parsed.fault);
    const job = this.#jobs.submit(parsed, waitMs !== undefined);
    return waitMs === undefined ? ok({ id: job.id, status: 'IN_QUEUE' }) : this.#wait(job, waitMs);
  }

  /** Answers when the job ends, or with how it stands after the wait. */
  async #wait(job: LocalJob, waitMs: number): Promise<LocalAnswer> {
    const isThere = (): boolean => this.#jobs.find(job.id) === job;
    const ending = async (signal: AbortSignal): Promise<void> => {
      while (isThere() && !isFinal(job) && !signal.aborted) await this.#jobs.nextChange();
    };
    await tryWithDeadline(ending, waitMs, { clock: this.#clock });
    return isThere() ? this.#status(job) : NOT_FOUND;
  }

  #health(): unknown {
    const { all, running, concurrency } = this.#jobs;
    const count = (status: LocalJob['status']): number => all.filter((job) => job.status === status).length;
    return {
      jobs: {
        completed: count('COMPLETED'),
        failed: count('FAILED'),
        inProgress: count('IN_PROGRESS'),
        inQueue: count('IN_QUEUE'),
        retried: all.filter(({ retries }) => retries > 0).length,
      },
      workers: {
        idle: Math.max(0, concurrency - running),
        initializing: 0,
        ready: concurrency,
        running,
        throttled: 0,
      },
    };
  }
}
