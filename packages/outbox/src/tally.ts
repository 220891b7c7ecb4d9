import type { OutboxCounts } from './outbox-status.ts';

/** Counts what became of messages since the start. */
export class Tally {
  readonly #counts = { delivered: 0, refused: 0, expired: 0, setAside: 0, sentWithout: 0 };

  count(what: keyof OutboxCounts): void {
    this.#counts[what] += 1;
  }

  get counts(): OutboxCounts {
    return { ...this.#counts };
  }
}
