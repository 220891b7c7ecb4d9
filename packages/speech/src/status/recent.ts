export interface RecentSamplesOptions {
  /** Samples that are kept at most. */
  readonly capacity: number;
  /** Age at which a sample is forgotten, ms. */
  readonly windowMs: number;
}

/**
 * The last samples, of a bounded number and age, each a value with a small tag. Adding is three stores into preallocated
 * rings; reading does the work.
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

  /** Visits every sample younger than the window, newest first. */
  visit(nowMs: number, see: (value: number, tag: number) => void): void {
    const capacity = this.#values.length;
    for (let back = 1; back <= this.#size; back += 1) {
      const at = (this.#next - back + capacity) % capacity;
      if (nowMs - (this.#atMs[at] ?? 0) >= this.#windowMs) return;
      see(this.#values[at] ?? 0, this.#tags[at] ?? 0);
    }
  }
}

const SECOND_MS = 1_000;

/** How often something happens, over the last minute, from one counter a second. */
export class EventRate {
  readonly #openedAtMs: number;
  readonly #counts: Uint32Array;
  /** The second, since the epoch, that each counter belongs to. */
  readonly #seconds: Float64Array;

  /** @param seconds the length of the window */
  constructor(nowMs: number, seconds = 60) {
    this.#openedAtMs = nowMs;
    this.#counts = new Uint32Array(seconds);
    this.#seconds = new Float64Array(seconds).fill(-1);
  }

  count(nowMs: number): void {
    const second = Math.floor(nowMs / SECOND_MS);
    const at = second % this.#counts.length;
    if (this.#seconds[at] !== second) {
      this.#seconds[at] = second;
      this.#counts[at] = 0;
    }
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
  }

  /** Over the time that the counters cover, at most 60 s. Undefined in the first second, which says nothing yet. */
  perSecond(nowMs: number): number | undefined {
    const oldestSecond = Math.floor(nowMs / SECOND_MS) - this.#counts.length + 1;
    const coveredMs = nowMs - Math.max(oldestSecond * SECOND_MS, this.#openedAtMs);
    if (coveredMs < SECOND_MS) return undefined;
    let total = 0;
    for (const [at, second] of this.#seconds.entries()) {
      if (second >= oldestSecond) total += this.#counts[at] ?? 0;
    }
    return (total * SECOND_MS) / coveredMs;
  }
}

export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/**
 * The smallest value that at least `percent` per cent of all values do not exceed (nearest rank): always a measured value.
 *
 * @param sorted ascending, not empty
 * @param percent whole, 1..100: in whole numbers the rank suffers no rounding
 */
const nearestRank = (sorted: ArrayLike<number>, percent: number): number =>
  sorted[Math.ceil((percent * sorted.length) / 100) - 1] ?? Number.NaN;

/** Median, P95 and P99 by nearest rank; undefined for no values. */
export const percentilesOf = (values: readonly number[]): Percentiles | undefined => {
  if (values.length === 0) return undefined;
  const sorted = Float64Array.from(values).sort();
  return { p50: nearestRank(sorted, 50), p95: nearestRank(sorted, 95), p99: nearestRank(sorted, 99) };
};

/** The mean; undefined for no values. */
export const averageOf = (values: readonly number[]): number | undefined =>
  values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
