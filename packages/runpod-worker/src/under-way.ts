/** Why a job's signal was aborted. */
export type AbortCause = 'stopped-by-platform' | 'worker-stopping';

class JobAborted extends Error {
  readonly code: AbortCause;

  constructor(code: AbortCause) {
    super(code === 'worker-stopping' ? 'The worker is stopping.' : 'The platform stopped the job.');
    this.name = 'JobAborted';
    this.code = code;
  }
}

/** What aborted the signal of a job, if anything did. */
export const abortCauseOf = ({ reason }: AbortSignal): AbortCause | undefined =>
  reason instanceof JobAborted ? reason.code : undefined;

/** The jobs that hold a slot: from the take to the first try of their result. */
export class UnderWay {
  readonly #jobs = new Map<string, AbortController>();
  #ended = Promise.withResolvers<void>();

  get count(): number {
    return this.#jobs.size;
  }

  get ids(): readonly string[] {
    return [...this.#jobs.keys()];
  }

  /** @returns the job's signal; undefined when a job of this id is under way already */
  begin(id: string): AbortSignal | undefined {
    if (this.#jobs.has(id)) return undefined;
    const controller = new AbortController();
    this.#jobs.set(id, controller);
    return controller.signal;
  }

  end(id: string): void {
    this.#jobs.delete(id);
    this.#ended.resolve();
    this.#ended = Promise.withResolvers();
  }

  /** @returns whether there was such a job */
  abort(id: string, cause: AbortCause): boolean {
    const job = this.#jobs.get(id);
    job?.abort(new JobAborted(cause));
    return job !== undefined;
  }

  /** Resolves when a job ends. */
  nextEnd(): Promise<void> {
    return this.#ended.promise;
  }

  /** Resolves when none is left. */
  async idle(): Promise<void> {
    while (this.count > 0) await this.nextEnd();
  }
}
