import type { BulkheadRefusalReason } from './bulkhead-outcome.ts';
import type { Lane, Queueable } from './priority-level.ts';

/** What stands for the value of a job that was never begun; it may throw instead. */
export type Refused<R> = (reason: BulkheadRefusalReason) => R;

/**
 * One job that waits. A million of them may, and what a waiting job costs is mostly the memory it holds: so it knows
 * only how to resolve its promise, and resolves it with a rejected one when there is something to reject.
 */
export class BulkheadJob implements Queueable<BulkheadJob> {
  previous: BulkheadJob | undefined = undefined;
  next: BulkheadJob | undefined = undefined;
  lane: Lane<BulkheadJob> | undefined = undefined;
  readonly begin: () => PromiseLike<unknown>;
  /** Ends the promise that the caller holds. */
  readonly settle: (ended: unknown) => void;
  readonly #refused: Refused<unknown>;
  #forgetSignal: (() => void) | undefined = undefined;

  constructor(
    begin: () => PromiseLike<unknown>,
    refused: Refused<unknown>,
    settle: (ended: unknown) => void,
  ) {
    this.begin = begin;
    this.settle = settle;
    this.#refused = refused;
  }

  refuse(reason: BulkheadRefusalReason): void {
    this.stopListening();
    try {
      this.settle(this.#refused(reason));
    } catch (error) {
      this.settle(Promise.reject(error));
    }
  }

  /** Only a waiting job listens; one that runs is its own signal's business. */
  listen(signal: AbortSignal, onAbort: () => void): void {
    signal.addEventListener('abort', onAbort, { once: true });
    this.#forgetSignal = () => signal.removeEventListener('abort', onAbort);
  }

  stopListening(): void {
    this.#forgetSignal?.();
    this.#forgetSignal = undefined;
  }
}
