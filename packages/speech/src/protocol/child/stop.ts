import type { SynthesisOptions } from '../../engines/index.ts';

/** Whether a task is to stop. Its signal is made when somebody reads it: most tasks end before. */
export class Stop implements SynthesisOptions {
  #isAsked = false;
  #controller: AbortController | undefined;

  get isAsked(): boolean {
    return this.#isAsked;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#isAsked) this.#controller.abort();
    return this.#controller.signal;
  }

  ask(): void {
    this.#isAsked = true;
    this.#controller?.abort();
  }
}
