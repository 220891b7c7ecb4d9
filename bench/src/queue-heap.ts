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
