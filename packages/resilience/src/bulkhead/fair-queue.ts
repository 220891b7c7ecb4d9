import { assertNever } from '../checks.ts';

export type Priority = 'high' | 'normal' | 'low';

/** A low job gets at least every tenth turn, however many high and normal ones wait. */
export const DEFAULT_AGE_AFTER_TURNS = 8;

/**
 * Jobs in order of service: higher priority first, within a priority the tenants in turn, within a tenant first come
 * first served. A level with jobs that was passed over `ageAfterTurns` times is served next. (Ageing by time would
 * make everything equally old under exactly the load that makes jobs wait.)
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

  /** The level passed over most often, if often enough; else the highest that has jobs. */
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

/** The queue's links, kept on the jobs themselves, so that queueing allocates nothing. */
export interface Queueable<T extends Queueable<T>> {
  previous: T | undefined;
  next: T | undefined;
  /** Where it waits, if it does. */
  lane: Lane<T> | undefined;
}

/** The jobs of one tenant in one priority, first in first out. Lanes with jobs form a ring in the order of turns. */
export class Lane<T extends Queueable<T>> {
  readonly tenant: string;
  readonly level: PriorityLevel<T>;
  head: T | undefined = undefined;
  tail: T | undefined = undefined;
  before: Lane<T> = this;
  after: Lane<T> = this;

  constructor(tenant: string, level: PriorityLevel<T>) {
    this.tenant = tenant;
    this.level = level;
  }
}

/** One priority: tenants take turns, one job each. Every operation is O(1), and a tenant without jobs leaves no trace. */
export class PriorityLevel<T extends Queueable<T>> {
  readonly #lanes = new Map<string, Lane<T>>();
  #turn: Lane<T> | undefined;
  size = 0;
  /** Turns that other levels got while this one had jobs. */
  passedOver = 0;

  push(tenant: string, job: T): void {
    const lane = this.#lanes.get(tenant) ?? this.#openLane(tenant);
    job.lane = lane;
    job.previous = lane.tail;
    if (lane.tail === undefined) lane.head = job;
    else lane.tail.next = job;
    lane.tail = job;
    this.size += 1;
  }

  /** The next job of the tenant whose turn it is; the turn passes on. */
  take(): T | undefined {
    const lane = this.#turn;
    const job = lane?.head;
    if (lane === undefined || job === undefined) return undefined;
    this.#turn = lane.after;
    this.remove(job);
    return job;
  }

  /** @param job one that waits in this level */
  remove(job: T): void {
    const { lane, previous, next } = job;
    if (lane === undefined) return;
    if (previous === undefined) lane.head = next;
    else previous.next = next;
    if (next === undefined) lane.tail = previous;
    else next.previous = previous;
    job.previous = undefined;
    job.next = undefined;
    job.lane = undefined;
    this.size -= 1;
    if (lane.head === undefined) this.#closeLane(lane);
    if (this.size === 0) this.passedOver = 0;
  }

  /** A new tenant gets its turn after all that wait already. */
  #openLane(tenant: string): Lane<T> {
    const lane = new Lane(tenant, this);
    if (this.#turn === undefined) this.#turn = lane;
    else {
      lane.after = this.#turn;
      lane.before = this.#turn.before;
      lane.before.after = lane;
      lane.after.before = lane;
    }
    this.#lanes.set(tenant, lane);
    return lane;
  }

  #closeLane(lane: Lane<T>): void {
    this.#lanes.delete(lane.tenant);
    if (this.#turn === lane) this.#turn = lane.after === lane ? undefined : lane.after;
    lane.before.after = lane.after;
    lane.after.before = lane.before;
  }
}
