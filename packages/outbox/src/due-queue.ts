/** Something that waits for a moment. The moment may change only while it is not queued. */
export interface Due {
  dueMs: number;
}

/** A heap: what is due first is on top; of equals, what came first. */
export class DueQueue<T extends Due> {
  #heap: { readonly item: T; readonly order: number }[] = [];
  #order = 0;

  get size(): number {
    return this.#heap.length;
  }

  peek(): T | undefined {
    return this.#heap[0]?.item;
  }

  push(item: T): void {
    this.#heap.push({ item, order: (this.#order += 1) });
    this.#rise(this.#heap.length - 1);
  }

  pop(): T | undefined {
    const top = this.#heap[0];
    const last = this.#heap.pop();
    if (top === undefined || last === undefined) return undefined;
    if (this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#sink(0);
    }
    return top.item;
  }

  /** Takes one out of the middle; walks through all. */
  remove(item: T): void {
    this.#heap = this.#heap.filter((queued) => queued.item !== item);
    this.#restore();
  }

  /** Changes the moment of each; walks through all. */
  reschedule(dueMs: (item: T) => number): void {
    for (const { item } of this.#heap) item.dueMs = dueMs(item);
    this.#restore();
  }

  #restore(): void {
    for (let index = (this.#heap.length >> 1) - 1; index >= 0; index -= 1) this.#sink(index);
  }

  #isBefore(one: number, other: number): boolean {
    const a = this.#heap[one];
    const b = this.#heap[other];
    if (a === undefined || b === undefined) return false;
    return a.item.dueMs === b.item.dueMs ? a.order < b.order : a.item.dueMs < b.item.dueMs;
  }

  #swap(one: number, other: number): void {
    const a = this.#heap[one];
    const b = this.#heap[other];
    if (a === undefined || b === undefined) return;
    this.#heap[one] = b;
    this.#heap[other] = a;
  }

  #rise(from: number): void {
    for (let index = from; index > 0; ) {
      const parent = (index - 1) >> 1;
      if (!this.#isBefore(index, parent)) return;
      this.#swap(index, parent);
      index = parent;
    }
  }

  #sink(from: number): void {
    for (let index = from; ; ) {
      const left = 2 * index + 1;
      const child = this.#isBefore(left + 1, left) ? left + 1 : left;
      if (!this.#isBefore(child, index)) return;
      this.#swap(index, child);
      index = child;
    }
  }
}
