import { backoffDelayMs, type Clock, type Random } from '@taleback/resilience';

/** What is asked of a worker whose child was lost. */
export interface Lost {
  readonly childJobs: number;
  readonly servedMs: number;
}

/** The first replacement comes at once; children that die one after the other are given more and more time. */
const BACKOFF = { kind: 'exponential', initialMs: 100, factor: 2, maxMs: 30_000, jitter: 'equal' } as const;
/** A child that lived so long was not killed by its start, in milliseconds. */
const SETTLED_MS = 10_000;

/** Whether its child has shown that it can do more than start. */
export const isSettled = ({ childJobs, servedMs }: Lost): boolean => childJobs > 0 || servedMs >= SETTLED_MS;

/** When the children that were lost are replaced. */
export class Restarts<Worker extends Lost> {
  readonly #clock: Clock;
  readonly #random: Random;
  /** Losses in a row, without a request done between. */
  readonly #losses = new Map<Worker, number>();
  readonly #pending = new Map<Worker, () => void>();

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  schedule(worker: Worker, open: () => void): void {
    const losses = isSettled(worker) ? 0 : (this.#losses.get(worker) ?? 0);
    this.#losses.set(worker, losses + 1);
    const delayMs = losses === 0 ? 0 : backoffDelayMs(BACKOFF, losses, this.#random);
    const stop = this.#clock.setTimer(() => {
      this.#pending.delete(worker);
      open();
    }, delayMs);
    this.#pending.set(worker, stop);
  }

  forget(worker: Worker): void {
    this.#pending.get(worker)?.();
    this.#pending.delete(worker);
    this.#losses.delete(worker);
  }

  stop(): void {
    for (const stop of this.#pending.values()) stop();
    this.#pending.clear();
  }
}
