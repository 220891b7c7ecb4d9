import type { Bulkhead, BulkheadRequest } from '@taleback/resilience';

interface Entry {
  readonly job: () => Promise<unknown>;
  readonly level: number;
  readonly sequence: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The floor: a binary heap by level and arrival, as one writes it by hand, with a cap on concurrency and nothing else:
 * no tenants, no ageing, no cancellation, no bound, no drain.
 */
export class HeapQueue {
  readonly #heap: Entry[] = [];
  readonly #concurrency: number;
  #sequence = 0;
  #running = 0;

  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  add(job: () => Promise<unknown>, level: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#push({ job, level, sequence: this.#sequence, resolve, reject });
      this.#sequence += 1;
      this.#pump();
    });
  }

  #pump(): void {
    while (this.#running < this.#concurrency) {
      const entry = this.#pop();
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

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = heap[parentAt];
      if (parent === undefined || !before(entry, parent)) break;
      heap[at] = parent;
      at = parentAt;
    }
    heap[at] = entry;
  }

  #pop(): Entry | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let childAt = 2 * at + 1;
      let child = heap[childAt];
      if (child === undefined) break;
      const right = heap[childAt + 1];
      if (right !== undefined && before(right, child)) {
        child = right;
        childAt += 1;
      }
      if (!before(child, last)) break;
      heap[at] = child;
      at = childAt;
    }
    heap[at] = last;
    return top;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.level === b.level ? a.sequence < b.sequence : a.level < b.level;
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
