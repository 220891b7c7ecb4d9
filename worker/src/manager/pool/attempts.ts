import type { Clock, Permit } from '@taleback/resilience';
import type { SpeechJob } from './speech-job.ts';

/** One try of a job on a worker. */
export interface Attempt {
  /** Never used twice. */
  readonly correlationId: string;
  readonly job: SpeechJob;
  readonly permit: Permit;
  readonly sentAtMs: number;
}

/** The tries that a worker has under way, each with the one timer that is set for it. */
export class Attempts {
  readonly #clock: Clock;
  readonly #attempts = new Map<string, Attempt & { stopTimer: () => void }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#attempts.size;
  }

  /** Begins the next try of a job. `onOverdue` is called when it has not been taken out after the time. */
  begin(job: SpeechJob, permit: Permit, timeoutMs: number, onOverdue: (attempt: Attempt) => void): Attempt {
    const correlationId = `req-${job.id}-${job.attempts}`;
    const attempt = { correlationId, job, permit, sentAtMs: this.#clock.now() };
    const stopTimer = this.#clock.setTimer(() => onOverdue(attempt), timeoutMs);
    this.#attempts.set(correlationId, { ...attempt, stopTimer });
    return attempt;
  }

  /** Gives the tries of a job another time. @returns their correlation ids */
  shorten(job: SpeechJob, timeoutMs: number, onOverdue: () => void): string[] {
    const shortened: string[] = [];
    for (const [correlationId, attempt] of this.#attempts) {
      if (attempt.job !== job) continue;
      attempt.stopTimer();
      attempt.stopTimer = this.#clock.setTimer(onOverdue, timeoutMs);
      shortened.push(correlationId);
    }
    return shortened;
  }

  /** Takes one out; undefined when it is not, or no longer, under way. */
  take(correlationId: string): Attempt | undefined {
    const attempt = this.#attempts.get(correlationId);
    attempt?.stopTimer();
    this.#attempts.delete(correlationId);
    return attempt;
  }

  correlationIds(): string[] {
    return [...this.#attempts.keys()];
  }
}
