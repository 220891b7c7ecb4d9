import type { Clock } from '@taleback/resilience';
import type { Pcm } from '../audio/index.ts';
import { cancellationOf } from '../engines/index.ts';

export type Turns = Set<Turn>;

type Answer = { readonly sound: Pcm } | { readonly waitMs: number };

/** One chunk on its way through a line: a signal that its caller and the line can abort. */
export class Turn {
  readonly #turns: Turns;
  readonly #stop = new AbortController();
  readonly #caller: AbortSignal | undefined;
  readonly #onAbort = (): void => this.#stop.abort(this.#caller?.reason);
  #whenEnded: (() => void)[] = [];

  constructor(turns: Turns, caller: AbortSignal | undefined) {
    this.#turns = turns;
    this.#caller = caller;
    turns.add(this);
    if (caller?.aborted === true) this.#onAbort();
    else caller?.addEventListener('abort', this.#onAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  abort(reason: unknown): void {
    this.#stop.abort(reason);
  }

  /** Asks until there is sound. @throws what `ask` throws, and what `cancellationOf` makes of the signal */
  async until(clock: Clock, ask: () => Promise<Answer>): Promise<Pcm> {
    for (;;) {
      if (this.signal.aborted) throw cancellationOf(this.signal);
      const answer = await ask().catch((error: unknown) => {
        throw this.signal.aborted ? cancellationOf(this.signal) : error;
      });
      if ('sound' in answer) return answer.sound;
      await this.#wait(clock, answer.waitMs);
    }
  }

  end(): void {
    this.#turns.delete(this);
    this.#caller?.removeEventListener('abort', this.#onAbort);
    for (const tell of this.#whenEnded.splice(0)) tell();
  }

  /** Waits until all have ended, this long at most. */
  static async drain(turns: Turns, clock: Clock, mostMs: number): Promise<void> {
    if (turns.size === 0 || mostMs <= 0) return;
    const ended = Promise.all(
      [...turns].map((turn) => new Promise<void>((resolve) => turn.#whenEnded.push(resolve))),
    );
    if (!Number.isFinite(mostMs)) {
      await ended;
      return;
    }
    const over = new AbortController();
    const late = new Promise<void>((resolve) => {
      const stop = clock.setTimer(resolve, mostMs);
      over.signal.addEventListener('abort', stop, { once: true });
    });
    await Promise.race([ended, late]);
    over.abort();
  }

  #wait(clock: Clock, waitMs: number): Promise<void> {
    const { signal } = this;
    return new Promise((resolve) => {
      const over = (): void => {
        stop();
        signal.removeEventListener('abort', over);
        resolve();
      };
      const stop = clock.setTimer(over, waitMs);
      signal.addEventListener('abort', over, { once: true });
    });
  }
}
