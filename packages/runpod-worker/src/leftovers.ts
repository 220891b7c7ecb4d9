import type { Clock } from '@taleback/resilience';
import { resultAddress } from './addresses.ts';
import { LOST_JOB_LIFETIME_MS, MAX_RUNS } from './pacing.ts';
import type { RunpodLog } from './protocol.ts';
import { errorText } from './result-body.ts';
import type { PendingResult, ResultOutbox, TakenJob } from './result-outbox.ts';
import type { ResultSender } from './result-sender.ts';
import type { RunpodSettings } from './settings.ts';

export interface LeftoversParts {
  readonly outbox: ResultOutbox;
  readonly sender: ResultSender;
  readonly settings: RunpodSettings;
  readonly clock: Clock;
  readonly log: RunpodLog;
}

const LOST_ERROR = 'The worker was lost while it did the job.';

/** What workers that were killed left in the outbox: results are sent, jobs are run once more or answered. */
export class Leftovers {
  readonly #parts: LeftoversParts;
  readonly #jobs: TakenJob[] = [];

  constructor(parts: LeftoversParts) {
    this.#parts = parts;
  }

  /** The next job to run, oldest first. */
  next(): TakenJob | undefined {
    return this.#jobs.shift();
  }

  /** Looks into the outbox. Never rejects. */
  async collect(): Promise<void> {
    const { outbox, sender, log } = this.#parts;
    try {
      const { jobs, results } = await outbox.adopt();
      if (jobs.length + results.length > 0) {
        log('warn', 'work of a lost worker found', { jobs: jobs.length, results: results.length });
      }
      for (const result of results) sender.postKept(result);
      for (const taken of jobs) await this.#take(taken);
    } catch (error) {
      log('error', 'outbox not searched', { error: errorText(error) });
    }
  }

  async #take(taken: TakenJob): Promise<void> {
    const { clock, sender } = this.#parts;
    const isLate = clock.now() - taken.takenAtMs > LOST_JOB_LIFETIME_MS;
    if (taken.runs >= MAX_RUNS || isLate) await sender.post(this.#failed(taken));
    else this.#jobs.push({ ...taken, runs: taken.runs + 1 });
  }

  #failed({ key, workerId, job }: TakenJob): PendingResult {
    const { settings, clock } = this.#parts;
    const url = resultAddress(settings, workerId, job.id, false);
    return { key, jobId: job.id, url, body: JSON.stringify({ error: LOST_ERROR }), keptAtMs: clock.now() };
  }
}
