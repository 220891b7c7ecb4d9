import { checkInteger, checkNumber } from './checks.ts';
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

/** Shorter texts count as this long, because below it a call's time does not depend on the length. */
const FLOOR_CHARACTERS = 100;

const DEFAULTS = {
  defaultMs: DEFAULT_TIMEOUT_MS,
  /** @see docs/origins.md#timeouts: the shortest and the longest of the source systems */
  minMs: 15_000,
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
  /** Milliseconds per character of the newest calls, in a ring. */
  readonly #newest: number[] = [];
  #next = 0;
  #percentile: number | undefined;

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
  }

  /** Remembers how long a call took that succeeded. A time-out teaches nothing: a hanging service would get more and more. */
  observe(characters: number, elapsedMs: number): void {
    this.#newest[this.#next] = elapsedMs / Math.max(FLOOR_CHARACTERS, characters);
    this.#next = (this.#next + 1) % this.#options.windowCalls;
    this.#percentile = undefined;
  }

  /**
   * The time to give a text of this length, ms. Each attempt after the first gets twice as long, up to `maxMs`: so a
   * service that has become slower succeeds, which is observed.
   */
  timeoutMs(characters: number, attempt = 1): number {
    const { maxMs } = this.#options;
    return Math.min(maxMs, this.#firstMs(characters) * 2 ** (attempt - 1));
  }

  #firstMs(characters: number): number {
    const { minMs, defaultMs, margin, minimumCalls } = this.#options;
    if (this.#newest.length < minimumCalls) return defaultMs;
    this.#percentile ??= this.#nearestRank();
    return Math.max(minMs, Math.max(FLOOR_CHARACTERS, characters) * this.#percentile * margin);
  }

  #nearestRank(): number {
    const ordered = this.#newest.toSorted((a, b) => a - b);
    return ordered[Math.ceil(this.#options.percentile * ordered.length) - 1] ?? 0;
  }
}
