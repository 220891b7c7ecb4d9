import { cancellationOf, throwIfCancelled } from '../../cancellation.ts';

/** What a service reports about an account's requests: how many it accepts at once, and how many there were. */
export interface ConcurrencyReport {
  readonly maximum: number | undefined;
  readonly current: number | undefined;
}

export interface Pass {
  /** The most requests of ours at once while this one was under way, itself included. */
  peak: number;
  /** Gives it back. Once. */
  readonly leave: () => void;
}

/** While the service reports nothing, one more is tried after this many successes: each trial may cost a refusal. */
const RISE_PER_ANSWER = 1 / 16;

/**
 * Sends no more requests at once than the service accepts, in their order. It learns that limit from what the service
 * reports, which counts all users of the account; else by trying: one less after each refusal, and slowly back up.
 */
export class RequestGate {
  readonly #initial: number;
  readonly #out = new Set<Pass>();
  readonly #waiting: (() => void)[] = [];
  #limit: number;

  /** @param initial the limit while nothing is known, 1 or more */
  constructor(initial: number) {
    this.#initial = initial;
    this.#limit = initial;
  }

  /** Requests at once, 1 or more. */
  get limit(): number {
    return Math.floor(this.#limit);
  }

  /** @throws TalebackError what `cancellationOf` makes of the signal */
  async enter(signal: AbortSignal | undefined): Promise<Pass> {
    throwIfCancelled(signal);
    const isFree = this.#out.size < this.limit && this.#waiting.length === 0;
    return isFree ? this.#take() : this.#wait(signal);
  }

  /** One piece of work within the limit. @throws TalebackError what `cancellationOf` makes of the signal */
  async run<T>(signal: AbortSignal | undefined, work: (pass: Pass) => Promise<T>): Promise<T> {
    const pass = await this.enter(signal);
    try {
      throwIfCancelled(signal);
      return await work(pass);
    } finally {
      pass.leave();
    }
  }

  /** The service answered with success. */
  granted({ maximum, current = 0 }: ConcurrencyReport, { peak }: Pass): void {
    // Nothing reported: slowly back up to the initial limit, and no further.
    if (maximum === undefined) {
      this.#limit = Math.max(this.#limit, Math.min(this.#initial, this.#limit + RISE_PER_ANSWER));
    } else this.#leaveRoom(maximum, current - peak);
    this.#admit();
  }

  /** The service had too many requests. The refused one is not among those it counts. */
  refused({ maximum, current = maximum ?? 0 }: ConcurrencyReport, { peak }: Pass): void {
    if (maximum === undefined) this.#limit = Math.max(1, Math.min(this.limit, peak) - 1);
    else this.#leaveRoom(maximum, current - (peak - 1));
    this.#admit();
  }

  #leaveRoom(maximum: number, others: number): void {
    this.#limit = Math.max(1, maximum - Math.max(0, others));
  }

  #take(): Pass {
    const pass: Pass = {
      peak: 0,
      leave: () => {
        this.#out.delete(pass);
        this.#admit();
      },
    };
    this.#out.add(pass);
    for (const other of this.#out) other.peak = Math.max(other.peak, this.#out.size);
    return pass;
  }

  #wait(signal: AbortSignal | undefined): Promise<Pass> {
    return new Promise((resolve, reject) => {
      const go = (): void => {
        signal?.removeEventListener('abort', onAbort);
        // Taken now, not when the promise is resolved, or the same place would be given away twice.
        resolve(this.#take());
      };
      const onAbort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(go), 1);
        if (signal !== undefined) reject(cancellationOf(signal));
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.push(go);
    });
  }

  #admit(): void {
    while (this.#out.size < this.limit && this.#waiting.length > 0) this.#waiting.shift()?.();
  }
}
