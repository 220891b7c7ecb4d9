const SECOND_MS = 1_000;
/** Below this no rate is told: one request in the first millisecond is not a thousand in a second. */
const LEAST_COVERED_MS = SECOND_MS;

/** How often something happens, over the last minute, from one counter a second. */
export class EventRate {
  readonly #openedAtMs: number;
  readonly #counts: Uint32Array;
  /** The second, since the epoch, that each counter belongs to. */
  readonly #seconds: Float64Array;

  /** @param seconds that are looked back on */
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

  /**
   * Divides by the time that the counters cover: 59 to 60 seconds, less in the first minute. Undefined in the first
   * second, when there is no telling.
   */
  perSecond(nowMs: number): number | undefined {
    const oldestSecond = Math.floor(nowMs / SECOND_MS) - this.#counts.length + 1;
    const coveredMs = nowMs - Math.max(oldestSecond * SECOND_MS, this.#openedAtMs);
    if (coveredMs < LEAST_COVERED_MS) return undefined;
    let total = 0;
    for (const [at, second] of this.#seconds.entries()) {
      if (second >= oldestSecond) total += this.#counts[at] ?? 0;
    }
    return (total * SECOND_MS) / coveredMs;
  }
}
