import { type Clock, FairQueue } from '@taleback/resilience';
import type { PoolSnapshot } from '../status/index.ts';
import type { SpeechJob } from './speech-job.ts';

/** The jobs that wait: those whose worker was lost first, then by priority and in fair turns between tenants. */
export class JobLine {
  readonly #clock: Clock;
  readonly #queue = new FairQueue<SpeechJob>();
  /** Begun once already: they do not wait in the queue again. */
  readonly #again: SpeechJob[] = [];
  /** Waiting out the time before their next try. */
  readonly #resting = new Set<SpeechJob>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Jobs that could be handed out now, if a worker had room. */
  get size(): number {
    return this.#queue.size + this.#again.length;
  }

  /** All of them, with those that wait out a time. */
  get length(): number {
    return this.size + this.#resting.size;
  }

  get queued(): PoolSnapshot['queued'] {
    const again = { high: 0, normal: 0, low: 0 };
    for (const job of [...this.#again, ...this.#resting]) again[job.priority] += 1;
    return {
      high: this.#queue.sizeOf('high') + again.high,
      normal: this.#queue.sizeOf('normal') + again.normal,
      low: this.#queue.sizeOf('low') + again.low,
    };
  }

  push(job: SpeechJob, tenant: string): void {
    this.#queue.push(job.priority, tenant, job);
  }

  /** Puts a job that was taken back to where it was. */
  putBack(job: SpeechJob): void {
    this.#again.unshift(job);
  }

  /** Puts a job that was begun before all that were not. */
  pushAgain(job: SpeechJob): void {
    job.waitingSinceMs = this.#clock.now();
    this.#again.push(job);
  }

  /** Does so after a time, and says so. */
  pushLater(job: SpeechJob, delayMs: number, onDue: () => void): void {
    this.#resting.add(job);
    const stop = this.#clock.setTimer(() => {
      this.#resting.delete(job);
      this.pushAgain(job);
      onDue();
    }, delayMs);
    const { release } = job;
    job.release = () => {
      stop();
      this.#resting.delete(job);
      release();
    };
  }

  take(): SpeechJob | undefined {
    return this.#again.shift() ?? this.#queue.take();
  }

  /** @returns whether it was waiting */
  remove(job: SpeechJob): boolean {
    const at = this.#again.indexOf(job);
    if (at !== -1) this.#again.splice(at, 1);
    return at !== -1 || this.#resting.delete(job) || this.#queue.remove(job);
  }

  /** Empties the line. */
  takeAll(): SpeechJob[] {
    const all = [...this.#again.splice(0), ...this.#resting];
    for (let job = this.#queue.take(); job !== undefined; job = this.#queue.take()) all.push(job);
    return all;
  }
}
