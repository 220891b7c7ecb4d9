import { cancellationOf, throwIfCancelled } from '../cancellation.ts';

/** A turn for one piece of work after the other, in the order they came. */
export class OneAtATime {
  #isBusy = false;
  readonly #waiting: (() => void)[] = [];

  /** @throws TalebackError what `cancellationOf` makes of the signal, as soon as it is aborted while waiting */
  async run<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    throwIfCancelled(signal);
    if (this.#isBusy) await this.#turn(signal);
    this.#isBusy = true;
    try {
      throwIfCancelled(signal);
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#isBusy = false;
      else next();
    }
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(begin), 1);
        if (signal !== undefined) reject(cancellationOf(signal));
      };
      signal?.addEventListener('abort', leave, { once: true });
      this.#waiting.push(begin);
    });
  }
}
