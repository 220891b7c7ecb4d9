import type { Clock } from '@taleback/resilience';
import type { Log } from '@taleback/core';
import { createRareWarning } from './rare-warning.ts';

/** What a cache does on its disk. None of it may fail a request, so a failure is a warning and nothing else. */
export class Errands {
  readonly warn: ReturnType<typeof createRareWarning>;
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(log: Log, clock: Clock) {
    this.warn = createRareWarning(log, clock);
  }

  /** What the work gives, or undefined when it failed. Never rejects. */
  async attempt<Value>(message: string, work: () => Promise<Value>): Promise<Value | undefined> {
    try {
      return await work();
    } catch (error) {
      this.warn(message, { error: error instanceof Error ? error.message : String(error) });
      return undefined;
    }
  }

  /** Nobody waits for this work, which must not reject. */
  leave(work: Promise<unknown>): void {
    this.#underWay.add(work);
    void work.finally(() => this.#underWay.delete(work));
  }

  /** Settles when nothing is under way any more. */
  async done(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }
}
