import { setMaxListeners } from 'node:events';
import { type Clock, retry, tryWithDeadline, wait } from '@taleback/resilience';
import { errorText, type RunpodLog } from '../log.ts';
import { MAX_RESULT_BYTES } from '../pacing.ts';
import type { HttpSend } from '../platform.ts';
import type { RunpodHandler } from '../run-handler.ts';
import { envelopeOf, JobBoard, type LocalEnd, type LocalJob, webhookBodyOf } from './job-board.ts';
import { type LocalAnswer, LocalApi, type LocalRequest } from './local-api.ts';
import { LocalRunner } from './local-runner.ts';

/** Two more tries, ten seconds apart. @see docs.runpod.io, "webhook notifications" */
const RETRY_DELAYS_MS: readonly number[] = [10_000, 10_000];
const TIMEOUT_MS = 10_000;

interface WebhookParts {
  readonly http: HttpSend;
  /** Waits before the second try, the third, and so on. Default twice 10 s. */
  readonly delaysMs?: readonly number[] | undefined;
  readonly clock: Clock;
  readonly log: RunpodLog;
  /** Ends tries and waits. */
  readonly signal: AbortSignal;
}

/** Posts what became of a job. Only 200 counts as received. Never rejects. */
const deliverWebhook = async (
  url: string,
  body: Readonly<Record<string, unknown>>,
  { http, delaysMs = RETRY_DELAYS_MS, clock, log, signal }: WebhookParts,
): Promise<void> => {
  const post = async (): Promise<void> => {
    const headers = { 'content-type': 'application/json' };
    const asked = await tryWithDeadline(
      (limited) => http({ method: 'POST', url, headers, body: JSON.stringify(body), signal: limited }),
      TIMEOUT_MS,
      { signal, clock },
    );
    if (asked.kind !== 'completed') throw new Error(`no answer: ${asked.kind}`);
    if (asked.value.status !== 200) throw new Error(`answered ${asked.value.status}`);
  };
  const outcome = await retry(post, {
    maxAttempts: delaysMs.length + 1,
    backoff: { kind: 'schedule', delaysMs: delaysMs.length === 0 ? [0] : delaysMs, jitter: 'none' },
    classify: () => ({ retryable: true }),
    clock,
    signal,
  });
  if (outcome.kind === 'succeeded') return;
  log('warn', 'webhook not delivered', {
    url,
    attempts: outcome.attempts,
    reason: errorText(outcome.lastError),
  });
};

export interface LocalEndpointOptions {
  /** Jobs at once. Default 1; 0 leaves them in the queue until they are forced to an end. */
  readonly concurrency?: number;
  /** Key that clients must send, with or without "Bearer". Default: none. */
  readonly apiKey?: string;
  /** Whether the result of a generator holds all its chunks. Default true: the stream is gone once it was read. */
  readonly returnAggregateStream?: boolean;
  /** Waits before the second try of a webhook, the third, and so on, ms. Default twice 10,000. */
  readonly webhookDelaysMs?: readonly number[];
}

export interface LocalEndpointParts {
  readonly http: HttpSend;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly log: RunpodLog;
}

/** An endpoint of RunPod on this machine: queue, states, webhooks, and the API of its clients. */
export class LocalEndpoint {
  readonly #board: JobBoard;
  readonly #runner: LocalRunner;
  readonly #api: LocalApi;
  readonly #webhooks = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  readonly #clock: Clock;

  constructor(handler: RunpodHandler, options: LocalEndpointOptions, parts: LocalEndpointParts) {
    const { clock, newId, http, log } = parts;
    const { concurrency = 1 } = options;
    this.#clock = clock;
    setMaxListeners(0, this.#closing.signal);
    const webhook = { http, delaysMs: options.webhookDelaysMs, clock, log, signal: this.#closing.signal };
    this.#board = new JobBoard({
      clock,
      newId,
      onEnd: (job) => {
        if (job.webhook === undefined || this.#closing.signal.aborted) return;
        const delivery = deliverWebhook(job.webhook, webhookBodyOf(job), webhook).finally(() =>
          this.#webhooks.delete(delivery),
        );
        this.#webhooks.add(delivery);
      },
      onDeleted: (job) => this.#runner.abort(job, 'The job was deleted.'),
    });
    this.#runner = new LocalRunner({
      handler,
      board: () => this.#board,
      concurrency,
      returnAggregateStream: options.returnAggregateStream ?? true,
      maxResultBytes: MAX_RESULT_BYTES,
      clock,
    });
    const { apiKey } = options;
    this.#api = new LocalApi({ board: this.#board, runner: this.#runner, apiKey, concurrency, clock });
  }

  answer(request: LocalRequest): Promise<LocalAnswer> {
    return this.#api.answer(request);
  }

  /** Every job that is known, as /status would answer. */
  jobs(): readonly Readonly<Record<string, unknown>>[] {
    return this.#board.jobs.map((job) => ({ ...envelopeOf(job), input: job.input, webhook: job.webhook }));
  }

  /**
   * Ends a job as if its worker had: its handler's signal aborts, its webhook fires.
   *
   * @throws Error when there is no such job, or it is over
   */
  force(jobId: string, end: LocalEnd): void {
    const job: LocalJob | undefined = this.#board.find(jobId);
    if (job === undefined || !this.#board.end(job, end)) throw new Error(`no job under way: ${jobId}`);
    this.#runner.abort(job, 'The job was forced to an end.');
  }

  /** Starts no more jobs, gives those that run and their webhooks `graceMs`, then aborts both. */
  async close(graceMs = 0): Promise<void> {
    this.#runner.stop();
    const over = new AbortController();
    const done = this.#runner.idle().then(() => Promise.all(this.#webhooks));
    if (graceMs > 0) await Promise.race([done, wait(this.#clock, graceMs, over.signal)]);
    over.abort();
    this.#closing.abort(new Error('the endpoint closes'));
    for (const job of this.#board.jobs) this.#runner.abort(job, 'The endpoint closes.');
    this.#board.close();
    await Promise.all(this.#webhooks);
  }
}
