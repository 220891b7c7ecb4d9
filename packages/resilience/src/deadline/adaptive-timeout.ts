import { checkInteger, checkNumber } from '../checks.ts';
import { DEFAULT_TIMEOUT_MS } from './deadline.ts';

export interface AdaptiveTimeoutOptions {
  /** Given while too little was observed, ms. Default 60_000. */
  readonly defaultMs?: number;
  /** Never less than this, ms. Default 15_000. */
  readonly minMs?: number;
  /** Never more than this, ms. Default 180_000. */
  readonly maxMs?: number;
  /** The share of observed calls that must fit, over 0 and up to 1. Default 0.95. */
  readonly percentile?: number;
  /** Times that percentile, at least 1. Default 2. */
  readonly margin?: number;
  /** Calls observed before it adapts, at least 1. Default 10. */
  readonly minimumCalls?: number;
  /** The newest calls remembered, at least `minimumCalls`. Default 64. */
  readonly windowCalls?: number;
}

/** Shorter texts count as this long: below it, a call takes what it takes whatever its length. */
const FLOOR_CHARACTERS = 100;

const DEFAULTS = {
  defaultMs: DEFAULT_TIMEOUT_MS,
  /** @see seed 003: HTTP timeouts of 15 s, the shortest any seed gives */
  minMs: 15_000,
  /** @see seed 000: the 180 s that let requests hang, never to be passed again */
  maxMs: 180_000,
  percentile: 0.95,
  margin: 2,
  minimumCalls: 10,
  windowCalls: 64,
} as const satisfies Required<AdaptiveTimeoutOptions>;

/**
 * A timeout that follows the length of the text and the speed of the engine:
 *
 * `clamp(minMs, characters * P(ms per character of the last calls) * margin, maxMs)`
 *
 * where P is the nearest-rank percentile and `characters` is at least 100. Memory is one number per remembered call.
 */
export class AdaptiveTimeout {
  readonly #options: Required<AdaptiveTimeoutOptions>;
  /** Milliseconds per character of the newest calls: as they came, and in order. */
  readonly #newest: Float64Array;
  readonly #ordered: Float64Array;
  #next = 0;
  #count = 0;

  /** @throws {RangeError} when an option is out of range */
  constructor(options: AdaptiveTimeoutOptions = {}) {
    const checked = { ...DEFAULTS, ...options };
    checkNumber('minMs', checked.minMs, Number.MIN_VALUE);
    checkNumber('maxMs', checked.maxMs, checked.minMs);
    checkNumber('defaultMs', checked.defaultMs, checked.minMs, checked.maxMs);
    checkNumber('percentile', checked.percentile, Number.MIN_VALUE, 1);
    checkNumber('margin', checked.margin, 1);
    checkInteger('minimumCalls', checked.minimumCalls, 1);
    checkInteger('windowCalls', checked.windowCalls, checked.minimumCalls, 10_000);
    this.#options = checked;
    this.#newest = new Float64Array(checked.windowCalls);
    this.#ordered = new Float64Array(checked.windowCalls);
  }

  /**
   * Remembers how long a call took. Calls that timed out belong here too, with the time they were given: without them
   * a service that slows down would never be given more.
   */
  observe(characters: number, elapsedMs: number): void {
    const { windowCalls } = this.#options;
    const isFull = this.#count === windowCalls;
    const gap = isFull ? this.#ordered.indexOf(this.#newest[this.#next] ?? 0) : this.#count;
    const value = elapsedMs / Math.max(FLOOR_CHARACTERS, characters);
    if (!isFull) this.#count += 1;
    this.#newest[this.#next] = value;
    this.#next = (this.#next + 1) % windowCalls;
    this.#fill(gap, value);
  }

  /** The time to give a text of this length, ms. */
  timeoutMs(characters: number): number {
    const { minMs, maxMs, defaultMs, margin, minimumCalls } = this.#options;
    if (this.#count < minimumCalls) return defaultMs;
    const expectedMs = Math.max(FLOOR_CHARACTERS, characters) * this.#nearestRank();
    return Math.max(minMs, Math.min(maxMs, expectedMs * margin));
  }

  #nearestRank(): number {
    return this.#ordered[Math.ceil(this.#options.percentile * this.#count) - 1] ?? 0;
  }

  /** Moves what stands between the gap and the place of the value: cheaper than sorting for every call. */
  #fill(gap: number, value: number): void {
    const ordered = this.#ordered;
    let at = gap;
    for (; at > 0 && (ordered[at - 1] ?? 0) > value; at -= 1) ordered[at] = ordered[at - 1] ?? 0;
    for (; at < this.#count - 1 && (ordered[at + 1] ?? 0) < value; at += 1)
      ordered[at] = ordered[at + 1] ?? 0;
    ordered[at] = value;
  }
}
