import { assertNever } from '../checks/index.ts';
import { PriorityLevel, type Queueable } from './priority-level.ts';

export type Priority = 'high' | 'normal' | 'low';

/** A low job gets at least every tenth turn, however many high and normal ones come. */
export const DEFAULT_AGE_AFTER_TURNS = 8;

/**
 * Jobs in order of service: higher priority first, within a priority the tenants in turn, within a tenant first come
 * first served.
 *
 * Priorities age by turns: a level with jobs that was passed over `ageAfterTurns` times is served next, so it is never
 * passed over more than `ageAfterTurns + 1` times in a row. Ageing by time would, under the very load that makes jobs
 * wait, turn everything into one old queue without priorities.
 */
export class FairQueue<T extends Queueable<T>> {
  readonly #ageAfterTurns: number;
  readonly #high = new PriorityLevel<T>();
  readonly #normal = new PriorityLevel<T>();
  readonly #low = new PriorityLevel<T>();
  #size = 0;

  constructor(ageAfterTurns: number = DEFAULT_AGE_AFTER_TURNS) {
    this.#ageAfterTurns = ageAfterTurns;
  }

  get size(): number {
    return this.#size;
  }

  sizeOf(priority: Priority): number {
    return this.#level(priority).size;
  }

  push(priority: Priority, tenant: string, job: T): void {
    this.#level(priority).push(tenant, job);
    this.#size += 1;
  }

  take(): T | undefined {
    if (this.#size === 0) return undefined;
    const level = this.#choose();
    this.#size -= 1;
    if (this.#normal.size > 0) this.#normal.passedOver += 1;
    if (this.#low.size > 0) this.#low.passedOver += 1;
    level.passedOver = 0;
    return level.take();
  }

  /** Takes a job out of turn. @returns whether it was waiting here */
  remove(job: T): boolean {
    if (job.lane === undefined) return false;
    job.lane.level.remove(job);
    this.#size -= 1;
    return true;
  }

  /** The level passed over longest, if one was passed over enough; else the highest that has jobs. */
  #choose(): PriorityLevel<T> {
    const normal = this.#normal;
    const low = this.#low;
    const due = low.passedOver > normal.passedOver ? low : normal;
    if (due.passedOver >= this.#ageAfterTurns) return due;
    if (this.#high.size > 0) return this.#high;
    return normal.size > 0 ? normal : low;
  }

  #level(priority: Priority): PriorityLevel<T> {
    switch (priority) {
      case 'high':
        return this.#high;
      case 'normal':
        return this.#normal;
      case 'low':
        return this.#low;
      default:
        return assertNever(priority);
    }
  }
}
