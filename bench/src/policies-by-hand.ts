const MAX_CONCURRENT = 3;
const MAX_QUEUED = 100;
const MAX_ATTEMPTS = 4;
const TIMEOUT_MS = 60_000;
const FAILURES = 5;
const COOLDOWN_MS = 60_000;

type Call = (signal: AbortSignal) => Promise<number>;

/**
 * The floor: retry, breaker, timeout and bulkhead in one function, as one writes them by hand for one service. One
 * AbortController per attempt, no priorities, no half-open trials, no jitter, no Retry-After, no outcomes as data.
 */
export class PoliciesByHand {
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #failures = 0;
  #openUntilMs = 0;

  async execute(call: Call, outer?: AbortSignal): Promise<number> {
    await this.#enter();
    try {
      for (let attempt = 1; ; attempt += 1) {
        if (this.#failures >= FAILURES && Date.now() < this.#openUntilMs) throw new Error('open');
        try {
          const value = await withTimeout(call, outer);
          this.#failures = 0;
          return value;
        } catch (error) {
          this.#failures += 1;
          if (this.#failures >= FAILURES) this.#openUntilMs = Date.now() + COOLDOWN_MS;
          if (attempt === MAX_ATTEMPTS || outer?.aborted === true) throw error;
          await new Promise((resolve) => setTimeout(resolve, 1_000 * 2 ** (attempt - 1)));
        }
      }
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }

  #enter(): Promise<void> | undefined {
    if (this.#running < MAX_CONCURRENT) {
      this.#running += 1;
      return undefined;
    }
    if (this.#waiting.length >= MAX_QUEUED) throw new Error('full');
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

function withTimeout(call: Call, outer: AbortSignal | undefined): Promise<number> {
  return new Promise((resolve, reject) => {
    const controller = new AbortController();
    const stop = (reason: unknown): void => {
      controller.abort(reason);
      reject(reason);
    };
    const timer = setTimeout(() => stop(new Error('timeout')), TIMEOUT_MS);
    const forget = outer === undefined ? undefined : listen(outer, stop);
    call(controller.signal).then(
      (value) => {
        clearTimeout(timer);
        forget?.();
        return resolve(value);
      },
      (error: unknown) => {
        clearTimeout(timer);
        forget?.();
        reject(error);
      },
    );
  });
}

function listen(outer: AbortSignal, stop: (reason: unknown) => void): () => void {
  const onAbort = (): void => stop(outer.reason);
  outer.addEventListener('abort', onAbort, { once: true });
  return () => outer.removeEventListener('abort', onAbort);
}
