import type { Bulkhead, BulkheadRequest } from '@taleback/resilience';

interface Entry {
  readonly job: () => Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The floor: a list for each level, as one writes it by hand, with a cap on concurrency and nothing else: no tenants, no
 * ageing, no cancellation, no bound, no drain.
 */
export class LevelQueue {
  readonly #levels: { entries: (Entry | undefined)[]; first: number }[];
  readonly #concurrency: number;
  #running = 0;

  constructor(levels: number, concurrency: number) {
    this.#levels = Array.from({ length: levels }, () => ({ entries: [], first: 0 }));
    this.#concurrency = concurrency;
  }

  add(job: () => Promise<unknown>, level: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#levels[level]?.entries.push({ job, resolve, reject });
      this.#pump();
    });
  }

  #pump(): void {
    while (this.#running < this.#concurrency) {
      const entry = this.#take();
      if (entry === undefined) return;
      this.#running += 1;
      entry.job().then(
        (value) => this.#end(entry.resolve, value),
        (error: unknown) => this.#end(entry.reject, error),
      );
    }
  }

  #end<V>(settle: (value: V) => void, value: V): void {
    settle(value);
    this.#running -= 1;
    this.#pump();
  }

  #take(): Entry | undefined {
    for (const level of this.#levels) {
      const entry = level.entries[level.first];
      if (entry === undefined) continue;
      level.entries[level.first] = undefined;
      level.first += 1;
      if (level.first === level.entries.length) {
        level.entries = [];
        level.first = 0;
      }
      return entry;
    }
    return undefined;
  }
}

/**
 * A queue that keeps its length: every job that begins queues another behind, until as many went through as asked.
 * What a job costs then is what it costs at that length, without the price of building or emptying the queue.
 */
export class StandingQueue {
  readonly #bulkhead: Bulkhead;
  readonly #requestOf: (job: number) => BulkheadRequest;
  #jobs = 0;
  #left = 0;
  /** Opens the gate that running jobs wait at between rounds. */
  #open: () => void = () => {};
  #gate: Promise<void> = Promise.resolve();
  #finish: () => void = () => {};

  constructor(bulkhead: Bulkhead, length: number, requestOf: (job: number) => BulkheadRequest) {
    this.#bulkhead = bulkhead;
    this.#requestOf = requestOf;
    this.#shut();
    for (let job = 0; job < length; job += 1) this.#queue();
  }

  /** Lets `count` jobs through. */
  pass(count: number): Promise<void> {
    this.#left = count;
    const open = this.#open;
    return new Promise((resolve) => {
      this.#finish = resolve;
      this.#shut();
      open();
    });
  }

  #queue(): void {
    this.#jobs += 1;
    void this.#bulkhead.run(() => this.#job(), this.#requestOf(this.#jobs));
  }

  #shut(): void {
    this.#gate = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  async #job(): Promise<void> {
    if (this.#left === 0) return this.#waitAtGate();
    this.#left -= 1;
    if (this.#left === 0) this.#finish();
    this.#queue();
  }

  async #waitAtGate(): Promise<void> {
    await this.#gate;
    this.#queue();
  }
}
