import { type Clock, wait } from '@taleback/resilience';
import { z } from 'zod';
import { envelopeOf, isFinal, type JobBoard, type LocalJob, type Submission } from './job-board.ts';
import type { LocalRunner } from './local-runner.ts';

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

type ParsedSubmission =
  | { readonly ok: true; readonly value: Submission }
  | { readonly ok: false; readonly fault: string };

/** Reads the body of /run and /runsync. The cloud's least times of 5 and 10 s are not enforced, for tests' sake. */
const parseSubmission = (body: string): ParsedSubmission => {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return { ok: false, fault: 'the body is not JSON' };
  }
  const result = submission.safeParse(json);
  if (!result.success) {
    const faults = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    return { ok: false, fault: faults.join('; ') };
  }
  const { input, webhook, policy } = result.data;
  return {
    ok: true,
    value: {
      input,
      webhook: webhook ?? undefined,
      executionTimeoutMs: policy?.executionTimeout ?? TEN_MINUTES_MS,
      ttlMs: policy?.ttl ?? ONE_DAY_MS,
    },
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

export interface LocalApiParts {
  readonly board: JobBoard;
  readonly runner: LocalRunner;
  /** Undefined lets everybody in. */
  readonly apiKey: string | undefined;
  readonly concurrency: number;
  readonly clock: Clock;
}

/** Wait of /runsync and /status-sync, ms. */
const WAIT_MS = { least: 1_000, most: 300_000, standard: 90_000 } as const;

/** Largest body, bytes. @see docs.runpod.io, "payload limits" */
export const bodyLimitOf = (path: string): number => (path.endsWith('/runsync') ? 20 : 10) * 1024 * 1024;

const failed = (status: number, error: string): LocalAnswer => ({ status, json: { error } });
const NOT_FOUND = failed(404, 'job not found');

const waitOf = (query: URLSearchParams): number => {
  const asked = Number(query.get('wait') ?? WAIT_MS.standard);
  return Number.isFinite(asked) ? Math.min(Math.max(asked, WAIT_MS.least), WAIT_MS.most) : WAIT_MS.standard;
};

/** The operation and the job that a path names; `/v2/{endpoint}` may stand before it. */
const readPath = (path: string): { readonly operation: string; readonly jobId: string | undefined } => {
  const [operation = '', jobId] = path
    .replace(/^\/v2\/[^/]+/, '')
    .split('/')
    .slice(1);
  return { operation, jobId: jobId === undefined || jobId === '' ? undefined : jobId };
};

/** RunPod's API for the clients of an endpoint. */
export class LocalApi {
  readonly #parts: LocalApiParts;

  constructor(parts: LocalApiParts) {
    this.#parts = parts;
  }

  async answer(request: LocalRequest): Promise<LocalAnswer> {
    if (!this.#isAllowed(request.authorization)) return failed(401, 'unauthorized');
    const { operation, jobId } = readPath(request.path);
    const call = `${request.method} /${operation}`;
    switch (call) {
      case 'POST /run':
        return this.#run(request, false);
      case 'POST /runsync':
        return this.#run(request, true);
      case 'GET /health':
        return { status: 200, json: this.#health() };
      case 'POST /purge-queue':
        return { status: 200, json: { removed: this.#parts.board.purge(), status: 'completed' } };
      default:
        return this.#ofJob(call, jobId, request.query);
    }
  }

  async #ofJob(call: string, jobId: string | undefined, query: URLSearchParams): Promise<LocalAnswer> {
    const job = jobId === undefined ? undefined : this.#parts.board.find(jobId);
    switch (call) {
      case 'GET /status':
      case 'POST /status':
        return job === undefined ? NOT_FOUND : { status: 200, json: envelopeOf(job) };
      case 'GET /status-sync':
        return job === undefined ? NOT_FOUND : this.#wait(job, waitOf(query));
      case 'GET /stream':
      case 'POST /stream':
        return job === undefined ? NOT_FOUND : this.#stream(job);
      case 'POST /cancel':
        return job === undefined ? NOT_FOUND : this.#cancel(job);
      case 'POST /retry':
        return job === undefined ? NOT_FOUND : this.#retry(job);
      default:
        return failed(404, 'no such operation');
    }
  }

  #isAllowed(authorization: string | undefined): boolean {
    const { apiKey } = this.#parts;
    return apiKey === undefined || authorization === apiKey || authorization === `Bearer ${apiKey}`;
  }

  async #run({ body, query }: LocalRequest, isSync: boolean): Promise<LocalAnswer> {
    const { board, runner } = this.#parts;
    const parsed = parseSubmission(body);
    if (!parsed.ok) return failed(400, parsed.fault);
    const job = board.add(parsed.value, isSync);
    const answer = { id: job.id, status: job.status };
    runner.pump();
    return isSync ? this.#wait(job, waitOf(query)) : { status: 200, json: answer };
  }

  /** Answers when the job ends, or with how it stands after the wait. */
  async #wait(job: LocalJob, waitMs: number): Promise<LocalAnswer> {
    const { board, clock } = this.#parts;
    const over = new AbortController();
    const isOver = (): boolean => isFinal(job) || board.find(job.id) !== job;
    const unwatch = board.watch(() => isOver() && over.abort());
    if (!isOver()) await wait(clock, waitMs, over.signal);
    unwatch();
    return board.find(job.id) === job ? { status: 200, json: envelopeOf(job) } : NOT_FOUND;
  }

  /** The chunks since the last call. */
  #stream(job: LocalJob): LocalAnswer {
    const stream = job.chunks.splice(0).map((output) => ({ output }));
    return { status: 200, json: { status: job.status, stream } };
  }

  #cancel(job: LocalJob): LocalAnswer {
    const { board, runner } = this.#parts;
    if (board.end(job, { status: 'CANCELLED' })) runner.abort(job, 'The job was cancelled.');
    return { status: 200, json: { id: job.id, status: job.status } };
  }

  #retry(job: LocalJob): LocalAnswer {
    const { board, runner } = this.#parts;
    if (!board.retry(job)) return failed(400, `a job that is ${job.status} cannot be tried again`);
    const answer = { id: job.id, status: job.status };
    runner.pump();
    return { status: 200, json: answer };
  }

  #health(): unknown {
    const { board, runner, concurrency } = this.#parts;
    const count = (status: LocalJob['status']): number =>
      board.jobs.filter((job) => job.status === status).length;
    return {
      jobs: {
        completed: count('COMPLETED'),
        failed: count('FAILED'),
        inProgress: count('IN_PROGRESS'),
        inQueue: count('IN_QUEUE'),
        retried: board.jobs.filter(({ retries }) => retries > 0).length,
      },
      workers: {
        idle: Math.max(0, concurrency - runner.running),
        initializing: 0,
        ready: concurrency,
        running: runner.running,
        throttled: 0,
      },
    };
  }
}
