import { type Clock, wait } from '@taleback/resilience';
import { LAST_PROGRESS_MS } from './pacing.ts';
import { errorText, type RunpodLog } from './log.ts';

export interface JobProgressParts {
  /** Posts one update; it may reject. */
  readonly post: (body: string, signal: AbortSignal) => Promise<unknown>;
  readonly jobId: string;
  readonly clock: Clock;
  readonly log: RunpodLog;
}

/**
 * The progress of one job, in order: one update on its way at a time, and the newest of those that came meanwhile after
 * it. Progress and result share one address over there, so nothing may follow the result.
 */
export class JobProgress {
  readonly #parts: JobProgressParts;
  readonly #ending = new AbortController();
  #waiting: string | undefined;
  #sending: Promise<void> | undefined;
  #isClosed = false;

  constructor(parts: JobProgressParts) {
    this.#parts = parts;
  }

  report(value: unknown): void {
    if (this.#isClosed) return;
    try {
      this.#waiting = JSON.stringify({ status: 'IN_PROGRESS', output: value ?? null });
    } catch (error) {
      this.#missed(error);
      return;
    }
    this.#sending ??= this.#send();
  }

  /** Resolves when nothing is on its way; an update that is not answered in time is given up. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#sending === undefined) return;
    const timeUp = new AbortController();
    void wait(this.#parts.clock, LAST_PROGRESS_MS, timeUp.signal).then(() => this.#ending.abort());
    await this.#sending;
    timeUp.abort();
  }

  async #send(): Promise<void> {
    for (let body = this.#waiting; body !== undefined; body = this.#waiting) {
      this.#waiting = undefined;
      try {
        await this.#parts.post(body, this.#ending.signal);
      } catch (error) {
        this.#missed(error);
      }
      if (this.#ending.signal.aborted) break;
    }
    this.#sending = undefined;
  }

  #missed(error: unknown): void {
    this.#parts.log('warn', 'progress not reported', { jobId: this.#parts.jobId, error: errorText(error) });
  }
}
