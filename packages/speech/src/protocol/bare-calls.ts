import type { BareAnswer } from './messages.ts';

interface BareCall {
  readonly correlationId: string;
  readonly path: string;
}

/** Answered calls whose files are remembered: a child that answers one twice does so soon. */
const MOST_ANSWERED = 32;

/**
 * Tells which call an answer of 1.0 belongs to. Answers come in the order of the calls, but one that names a file
 * belongs to the call with that file, so that no sound ever reaches another caller.
 */
export class BareCalls {
  #waiting: readonly BareCall[] = [];
  #answeredPaths: readonly string[] = [];
  #owesGreeting = false;

  /**
   * A `hello` was sent that the child has not answered. It is busy with its model, or said something of its own first,
   * and its complaint about that line comes before the answer to the first call.
   */
  expectComplaint(): void {
    this.#owesGreeting = true;
  }

  add(correlationId: string, path: string): void {
    this.#waiting = [...this.#waiting, { correlationId, path }];
  }

  /** @returns the call, which no longer waits; undefined when it is nobody's. */
  match(answer: BareAnswer): string | undefined {
    if (!answer.ok && this.#owesGreeting) {
      this.#owesGreeting = false;
      return undefined;
    }
    this.#owesGreeting = false;
    const path = answer.ok ? answer.path : undefined;
    const named = this.#waiting.find((call) => call.path === path);
    if (named === undefined && path !== undefined && this.#answeredPaths.includes(path)) return undefined;
    const found = named ?? this.#waiting[0];
    if (found === undefined) return undefined;
    this.#waiting = this.#waiting.filter((call) => call !== found);
    this.#answeredPaths = [...this.#answeredPaths, found.path].slice(-MOST_ANSWERED);
    return found.correlationId;
  }
}
