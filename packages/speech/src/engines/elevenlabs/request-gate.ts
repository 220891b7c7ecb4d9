import { cancellationOf, throwIfCancelled } from '../cancellation.ts';

/** What a service says of an account's requests: how many it takes at once, and how many there were. */
export interface ConcurrencyWords {
  readonly maximum: number | undefined;
  readonly current: number | undefined;
}

/** The right to have one request out. */
export interface Pass {
  /** The most requests of ours that were out at once while this one was, itself counted. */
  readonly peak: number;
  /** Gives the right back. Once. */
  readonly leave: () => void;
}

/** Without a word of the service, one more is tried after so many good answers: each trial may cost a refusal. */
const RISE_PER_ANSWER = 1 / 16;

interface Place {
  peak: number;
}

/**
 * Lets no more requests out at once than the service takes, the first one first. It learns how many those are: from what
 * the service says, which counts everybody who uses the same account, else by trying, one less after each refusal and
 * slowly back up.
 */
export class RequestGate {
  readonly #initial: number;
  readonly #out = new Set<Place>();
  readonly #waiting: (() => void)[] = [];
  #limit: number;

  /** @param initial how many are let out as long as nothing is known, 1 or more */
  constructor(initial: number) {
    this.#initial = initial;
    this.#limit = initial;
  }

  /** How many are let out at once, 1 or more. */
  get limit(): number {
    return Math.floor(this.#limit);
  }

  /** @throws TalebackError what `cancellationOf` makes of the signal */
  async enter(signal: AbortSignal | undefined): Promise<Pass> {
    throwIfCancelled(signal);
    const isFree = this.#out.size < this.limit && this.#waiting.length === 0;
    const place = isFree ? this.#take() : await this.#turn(signal);
    return {
      get peak() {
        return place.peak;
      },
      leave: () => {
        this.#out.delete(place);
        this.#admit();
      },
    };
  }

  /** Takes a granted answer to heart. */
  granted(words: ConcurrencyWords, pass: Pass): void {
    if (words.maximum !== undefined) this.#obey(words.maximum, (words.current ?? 0) - pass.peak);
    // Nothing said: slowly back up to what we began with, and no further.
    else this.#limit = Math.max(this.#limit, Math.min(this.#initial, this.#limit + RISE_PER_ANSWER));
    this.#admit();
  }

  /** The service had too many. The request that was refused is not among those it counts. */
  refused({ maximum, current }: ConcurrencyWords, pass: Pass): void {
    if (maximum !== undefined) this.#obey(maximum, (current ?? maximum) - (pass.peak - 1));
    else this.#limit = Math.max(1, Math.min(this.limit, pass.peak) - 1);
    this.#admit();
  }

  #obey(maximum: number, others: number): void {
    this.#limit = Math.max(1, maximum - Math.max(0, others));
  }

  #take(): Place {
    const place: Place = { peak: 0 };
    this.#out.add(place);
    for (const other of this.#out) other.peak = Math.max(other.peak, this.#out.size);
    return place;
  }

  #turn(signal: AbortSignal | undefined): Promise<Place> {
    return new Promise((resolve, reject) => {
      const go = (): void => {
        signal?.removeEventListener('abort', onAbort);
        // Taken now and not when the promise is looked at, or the same place would be given away twice.
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
