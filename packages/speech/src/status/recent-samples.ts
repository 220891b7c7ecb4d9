export interface RecentSamplesOptions {
  /** Samples that are kept at most. */
  readonly capacity: number;
  /** Age at which a sample is forgotten, ms. */
  readonly windowMs: number;
}

/**
 * The last samples, of a bounded number and age, each a value with a small tag. Adding is three stores into rings that
 * were allocated once; whoever reads pays for the reading.
 */
export class RecentSamples {
  readonly #windowMs: number;
  readonly #atMs: Float64Array;
  readonly #values: Float64Array;
  readonly #tags: Uint8Array;
  #next = 0;
  #size = 0;

  constructor({ capacity, windowMs }: RecentSamplesOptions) {
    this.#windowMs = windowMs;
    this.#atMs = new Float64Array(capacity);
    this.#values = new Float64Array(capacity);
    this.#tags = new Uint8Array(capacity);
  }

  /**
   * @param tag 0..255
   * @param nowMs never before that of the sample before
   */
  add(value: number, tag: number, nowMs: number): void {
    const at = this.#next;
    this.#atMs[at] = nowMs;
    this.#values[at] = value;
    this.#tags[at] = tag;
    this.#next = at + 1 === this.#values.length ? 0 : at + 1;
    if (this.#size < this.#values.length) this.#size += 1;
  }

  /** Shows every sample younger than the window, newest first. */
  visit(nowMs: number, see: (value: number, tag: number) => void): void {
    const capacity = this.#values.length;
    for (let back = 1; back <= this.#size; back += 1) {
      const at = (this.#next - back + capacity) % capacity;
      if (nowMs - (this.#atMs[at] ?? 0) >= this.#windowMs) return;
      see(this.#values[at] ?? 0, this.#tags[at] ?? 0);
    }
  }
}
