import type { Bulkhead, BulkheadRequest } from '@taleback/resilience';

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
