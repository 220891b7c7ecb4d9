import type { PoolMode } from './speech-line.ts';

/** Children in a row that ended before they could speak. */
const FAILURES_TO_SINGLE = 3;
const FAILURES_TO_IN_PROCESS = 6;

/**
 * How the pool speaks, depending on whether its children come up.
 *
 * `pool` → `single` after three failed starts in a row: only one worker is kept, so that a machine in trouble does not keep
 * starting processes. → `in-process` after three more, when nothing serves: a thread of this process speaks, if there is
 * one. After the reset time the pool is tried again; three more failures lead back.
 *
 * @see docs/origins.md#pool
 */
export class PoolModeMachine {
  readonly #hasThread: boolean;
  readonly #resetMs: number;
  #mode: PoolMode = 'pool';
  #fallBack: Exclude<PoolMode, 'pool'> = 'single';
  #sinceMs = 0;
  #failures = 0;

  constructor(options: { readonly hasThread: boolean; readonly resetMs: number }) {
    this.#hasThread = options.hasThread;
    this.#resetMs = options.resetMs;
  }

  get mode(): PoolMode {
    return this.#mode;
  }

  /** True when nothing has come up for so long that requests should not wait for it. */
  get isHopeless(): boolean {
    return this.#failures >= FAILURES_TO_IN_PROCESS + (this.#hasThread ? FAILURES_TO_SINGLE : 0);
  }

  /** A child came up. */
  cameUp(kind: 'process' | 'thread'): void {
    this.#failures = 0;
    if (kind === 'process') this.#fallBack = 'single';
  }

  /** A child ended before it could speak. `isServing`: another one can. @returns whether the mode changed */
  failedToStart(isServing: boolean, nowMs: number): boolean {
    this.#failures += 1;
    if (this.#mode === 'pool' && this.#failures >= FAILURES_TO_SINGLE)
      return this.#change(this.#fallBack, nowMs);
    const isLost = this.#failures >= FAILURES_TO_IN_PROCESS && !isServing;
    if (this.#mode !== 'single' || !isLost || !this.#hasThread) return false;
    this.#fallBack = 'in-process';
    return this.#change('in-process', nowMs);
  }

  /** Failures are reset only while something serves. @returns whether the pool is to be tried again */
  tryAgain(isServing: boolean, nowMs: number): boolean {
    if (this.#mode === 'pool' || nowMs - this.#sinceMs < this.#resetMs) return false;
    if (isServing) this.#failures = 0;
    return this.#change('pool', nowMs);
  }

  #change(mode: PoolMode, nowMs: number): true {
    this.#mode = mode;
    this.#sinceMs = nowMs;
    return true;
  }
}
