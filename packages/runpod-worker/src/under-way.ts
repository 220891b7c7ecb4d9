/** Why a job's signal was aborted. */
export type AbortCause = 'stopped-by-platform' | 'worker-stopping';

export class JobAborted extends Error {
  readonly code: AbortCause;

  constructor(code: AbortCause) {
    super(code === 'worker-stopping' ? 'The worker is stopping.' : 'The platform stopped the job.');
    this.name = 'JobAborted';
    this.code = code;
  }
}

export interface JobUnderWay {
  readonly id: string;
  readonly signal: AbortSignal;
  /** What aborted it, if anything did. */
  abortedBy(): AbortCause | undefined;
}

interface Entry extends JobUnderWay {
  readonly controller: AbortController;
}

/** The jobs that hold a slot: from the take to the first try of their result. */
export class UnderWay {
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<() => void>();

  get count(): number {
    return this.#entries.size;
  }

  get ids(): readonly string[] {
    return [...this.#entries.keys()];
  }

  /** Undefined when a job of this id is under way already. */
  begin(id: string): JobUnderWay | undefined {
    if (this.#entries.has(id)) return undefined;
    const controller = new AbortController();
    const abortedBy = (): AbortCause | undefined =>
      controller.signal.reason instanceof JobAborted ? controller.signal.reason.code : undefined;
    const entry = { id, controller, signal: controller.signal, abortedBy };
    this.#entries.set(id, entry);
    return entry;
  }

  end(id: string): void {
    this.#entries.delete(id);
    for (const listener of this.#listeners) listener();
  }

  /** @returns whether there was such a job */
  abort(id: string, cause: AbortCause): boolean {
    const entry = this.#entries.get(id);
    entry?.controller.abort(new JobAborted(cause));
    return entry !== undefined;
  }

  abortAll(cause: AbortCause): void {
    for (const id of this.ids) this.abort(id, cause);
  }

  /** Calls whenever a job ends. @returns a function that ends it */
  onEnd(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Resolves when none is left. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (this.#entries.size > 0) return;
        stop();
        resolve();
      };
      const stop = this.onEnd(check);
      check();
    });
  }
}
