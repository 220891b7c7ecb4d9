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

interface Timed extends Attempt {
  dueAtMs: number;
  onOverdue: (attempt: Attempt) => void;
}

/**
 * The tries that a worker has under way. One timer looks after all of them: it is set for the earliest and is not touched
 * when a try ends, for nearly all do, long before their time.
 */
export class Attempts {
  readonly #clock: Clock;
  readonly #attempts = new Map<string, Timed>();
  #looksAtMs = Number.POSITIVE_INFINITY;
  #stopTimer: () => void = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#attempts.size;
  }

  /** Begins the next try of a job. `onOverdue` is called when it has not been taken out after the time. */
  begin(job: SpeechJob, permit: Permit, timeoutMs: number, onOverdue: (attempt: Attempt) => void): Attempt {
    const correlationId = `req-${job.id}-${job.attempts}`;
    const sentAtMs = this.#clock.now();
    const attempt = { correlationId, job, permit, sentAtMs, dueAtMs: sentAtMs + timeoutMs, onOverdue };
    this.#attempts.set(correlationId, attempt);
    this.#lookBy(attempt.dueAtMs, sentAtMs);
    return attempt;
  }

  /** Gives the tries of a job another time. @returns their correlation ids */
  shorten(job: SpeechJob, timeoutMs: number, onOverdue: () => void): string[] {
    const shortened: string[] = [];
    const nowMs = this.#clock.now();
    for (const attempt of this.#attempts.values()) {
      if (attempt.job !== job) continue;
      attempt.dueAtMs = nowMs + timeoutMs;
      attempt.onOverdue = onOverdue;
      this.#lookBy(attempt.dueAtMs, nowMs);
      shortened.push(attempt.correlationId);
    }
    return shortened;
  }

  /** Takes one out; undefined when it is not, or no longer, under way. */
  take(correlationId: string): Attempt | undefined {
    const attempt = this.#attempts.get(correlationId);
    this.#attempts.delete(correlationId);
    return attempt;
  }

  correlationIds(): string[] {
    return [...this.#attempts.keys()];
  }

  /** Forgets the time of all of them: their worker is gone. */
  stopTimer(): void {
    this.#stopTimer();
    this.#looksAtMs = Number.POSITIVE_INFINITY;
  }

  #lookBy(dueAtMs: number, nowMs: number): void {
    if (dueAtMs >= this.#looksAtMs) return;
    this.#stopTimer();
    this.#looksAtMs = dueAtMs;
    this.#stopTimer = this.#clock.setTimer(() => this.#look(), dueAtMs - nowMs);
  }

  #look(): void {
    this.#looksAtMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#clock.now();
    const overdue: Timed[] = [];
    for (const attempt of this.#attempts.values()) {
      if (attempt.dueAtMs <= nowMs) overdue.push(attempt);
      else this.#lookBy(attempt.dueAtMs, nowMs);
    }
    for (const attempt of overdue) attempt.onOverdue(attempt);
  }
}
