/** Things that came, in order, and who waits for one. */
export class Watched<T> {
  readonly items: T[] = [];
  readonly #checks = new Set<() => void>();
  #end: Error | undefined;

  add(item: T): void {
    this.items.push(item);
    for (const check of this.#checks) check();
  }

  /** No more will come: those who still wait get the reason. */
  close(reason: Error): void {
    this.#end ??= reason;
    for (const check of this.#checks) check();
  }

  /** The `nth` (from 0) that is so, as soon as it is there. */
  next(isSo: (item: T) => boolean, nth = 0): Promise<T> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        const found = this.items.filter(isSo)[nth];
        if (found === undefined && this.#end === undefined) return;
        this.#checks.delete(check);
        if (found === undefined) reject(this.#end ?? new Error('closed'));
        else resolve(found);
      };
      this.#checks.add(check);
      check();
    });
  }
}
