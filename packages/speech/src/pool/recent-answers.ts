/** Newest answers that the averages are made of. */
const WINDOW = 20;
/** Weight of the newest answer in the average time. */
const NEWEST = 0.2;

/** What the last answers of a worker say about it. Constant memory and time. */
export class RecentAnswers {
  readonly #sound = new Uint8Array(WINDOW);
  #count = 0;
  #soundCount = 0;
  #responseTimeMs = 0;

  record(isSound: boolean, responseTimeMs: number): void {
    const at = this.#count % WINDOW;
    const value = isSound ? 1 : 0;
    this.#soundCount += value - (this.#count < WINDOW ? 0 : (this.#sound[at] ?? 0));
    this.#sound[at] = value;
    this.#responseTimeMs =
      this.#count === 0 ? responseTimeMs : this.#responseTimeMs * (1 - NEWEST) + responseTimeMs * NEWEST;
    this.#count += 1;
  }

  /** Answers since the beginning. */
  get count(): number {
    return this.#count;
  }

  /** Of the last 20, 0 to 1; 1 before the first. */
  get successRate(): number {
    return this.#count === 0 ? 1 : this.#soundCount / Math.min(this.#count, WINDOW);
  }

  /** Moving average, in milliseconds; 0 before the first. */
  get responseTimeMs(): number {
    return this.#responseTimeMs;
  }
}
