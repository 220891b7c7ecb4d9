import type { Clock } from '@taleback/resilience';
import { bodyOfReturned, bodyOfThrown, encodeResult, type ResultBody } from '../result-body.ts';
import { type HandlerEnd, type RunpodHandler, runHandler } from '../run-handler.ts';
import { type JobBoard, type LocalJob, WORKER_ID } from './job-board.ts';

export interface LocalRunnerParts {
  readonly handler: RunpodHandler;
  readonly board: () => JobBoard;
  /** Jobs at once; 0 leaves them all in the queue. */
  readonly concurrency: number;
  readonly returnAggregateStream: boolean;
  readonly maxResultBytes: number;
  readonly clock: Clock;
}

const THROWN = { hostname: 'localhost', workerId: WORKER_ID, traceback: false } as const;

/** Runs the queued jobs of a board, so many at a time. */
export class LocalRunner {
  readonly #parts: LocalRunnerParts;
  readonly #running = new Set<{ readonly job: LocalJob; readonly controller: AbortController }>();

  readonly #idlers: (() => void)[] = [];
  #isStopped = false;

  constructor(parts: LocalRunnerParts) {
    this.#parts = parts;
  }

  get running(): number {
    return this.#running.size;
  }

  /** Starts what may start now. */
  pump(): void {
    const board = this.#parts.board();
    while (!this.#isStopped && this.#running.size < this.#parts.concurrency) {
      const job = board.nextQueued();
      if (job === undefined) return;
      const run = { job, controller: new AbortController() };
      this.#running.add(run);
      board.begin(job);
      void this.#run(job, run.controller.signal).finally(() => {
        this.#running.delete(run);
        this.pump();
        if (this.#running.size === 0) for (const resolve of this.#idlers.splice(0)) resolve();
      });
    }
  }

  /** Starts nothing any more. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Resolves when nothing runs. */
  idle(): Promise<void> {
    if (this.#running.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idlers.push(resolve));
  }

  /** Reaches the handler's signal. A handler that ignores it keeps its slot. */
  abort(job: LocalJob, reason: string): void {
    for (const run of this.#running) if (run.job === job) run.controller.abort(new Error(reason));
  }

  async #run(job: LocalJob, signal: AbortSignal): Promise<void> {
    const { handler, board, clock, returnAggregateStream } = this.#parts;
    const cancelTimer = clock.setTimer(() => this.#timeOut(job), job.executionTimeoutMs);
    const begunAtMs = job.startedAtMs;
    // A job that was tried again meanwhile is another run of the same object.
    const isCurrent = (): boolean => job.status === 'IN_PROGRESS' && job.startedAtMs === begunAtMs;
    const progress = (value: unknown): void => {
      if (isCurrent()) job.output = value;
    };
    const offered = {
      id: job.id,
      input: job.input,
      ...(job.webhook === undefined ? {} : { webhook: job.webhook }),
    };
    const end = await runHandler(
      handler,
      offered,
      { signal, progress },
      {
        onChunk: async (chunk) => void (isCurrent() && job.chunks.push(chunk)),
        keepChunks: returnAggregateStream,
        traceback: false,
      },
    );
    cancelTimer();
    if (!isCurrent()) return;
    const { output, error } = this.#asSent(end);
    board().end(job, { status: error === undefined ? 'COMPLETED' : 'FAILED', output, error });
  }

  /** Through JSON, as over the wire: what cannot be written or is too large fails here as it fails there. */
  #asSent(end: HandlerEnd): ResultBody {
    const body = ((): ResultBody => {
      switch (end.kind) {
        case 'returned':
          return bodyOfReturned(end.value);
        case 'streamed':
          return { output: end.chunks };
        case 'stream-broke':
          return { error: end.error };
        case 'threw':
          return bodyOfThrown(end.error, THROWN);
        default:
          return end satisfies never;
      }
    })();
    return JSON.parse(encodeResult(body, this.#parts.maxResultBytes)) as ResultBody;
  }

  #timeOut(job: LocalJob): void {
    const error = `The job ran longer than its executionTimeout of ${job.executionTimeoutMs} ms.`;
    if (this.#parts.board().end(job, { status: 'TIMED_OUT', error })) this.abort(job, error);
  }
}
