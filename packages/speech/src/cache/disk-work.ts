import { errorWords, type Log } from '@taleback/core';
import { type Clock, tryWithDeadline } from '@taleback/resilience';

/** A disk that has not answered by then (a network share that hangs) counts as none. Speaking a chunk takes less. */
const DISK_TIMEOUT_MS = 2_000;
/** A full disk fails every write: one line a minute says so as well as a thousand. */
const WARNING_INTERVAL_MS = 60_000;

/** Work on a disk that may fail or hang, of which a request must not notice more than a delay. */
export class DiskWork {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #background = new Set<Promise<unknown>>();
  readonly #warnings = new Map<string, { readonly atMs: number; leftOut: number }>();

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** The result of the work, or undefined and a warning when it failed. Never rejects. */
  async attempt<Value>(message: string, work: () => Promise<Value>): Promise<Value | undefined> {
    try {
      return await work();
    } catch (error) {
      this.warn(message, { error: errorWords(error) });
      return undefined;
    }
  }

  /** @param work must not reject */
  inBackground<Value>(work: Promise<Value>): Promise<Value> {
    this.#background.add(work);
    void work.finally(() => this.#background.delete(work));
    return work;
  }

  /** Settles when no work is left in the background. */
  async idle(): Promise<void> {
    while (this.#background.size > 0) await Promise.all(this.#background);
  }

  /** The result of the work, or `late` after two seconds; the work goes on then. */
  async withTimeout<Value, Late>(work: Promise<Value>, late: Late): Promise<Value | Late> {
    const outcome = await tryWithDeadline(() => work, DISK_TIMEOUT_MS, { clock: this.#clock });
    if (outcome.kind === 'completed') return outcome.value;
    this.warn('the disk of the sound cache is slow', {});
    return late;
  }

  /** Logs each message once a minute at most, with how often it was left out before. */
  warn(message: string, fields: Readonly<Record<string, unknown>>): void {
    const nowMs = this.#clock.now();
    const before = this.#warnings.get(message);
    if (before !== undefined && nowMs - before.atMs < WARNING_INTERVAL_MS) {
      before.leftOut += 1;
      return;
    }
    this.#warnings.set(message, { atMs: nowMs, leftOut: 0 });
    this.#log('warn', message, { ...fields, leftOut: before?.leftOut ?? 0 });
  }
}
