import type { Clock } from '@taleback/resilience';
import type { SynthesisEvent } from '../pool/speech-line.ts';
import { ErrorCounts, type ErrorsByCategory, indexOfCode } from './error-counts.ts';

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

const NO_COUNTS = {
  accepted: 0,
  spoken: 0,
  failed: 0,
  refused: 0,
  retries: 0,
  breakerChanges: 0,
  workerRestarts: 0,
  processFaults: 0,
  /** Audio that was spoken, ms. */
  audioMs: 0,
  /** Characters that were spoken. */
  characters: 0,
};

/** Enough for a P99 of ten requests, and 17 KB. Older trouble is over or in the counts. */
const RECENT = { capacity: 1_024, windowMs: 5 * 60_000 } as const;

/** Tags of samples: what was spoken, and above it the index of an error's code. */
const SPOKEN = 0;
const FIRST_ERROR = 1;

/**
 * The figures of a speech service in bounded memory: rings and counters, nothing is sorted before it is read. What is not known
 * is undefined: there is no latency before the first request was spoken.
 */
export class SynthesisStatistics {
  readonly #clock: Clock;
  readonly #startedAtMs: number;
  readonly #latencies = new RecentSamples(RECENT);
  readonly #generations = new RecentSamples(RECENT);
  readonly #waits = new RecentSamples(RECENT);
  readonly #routings = new RecentSamples(RECENT);
  readonly #arrivals: EventRate;
  readonly #errors = new ErrorCounts();
  readonly #refusals = new ErrorCounts();
  readonly #counts = { ...NO_COUNTS };

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAtMs = clock.now();
    this.#arrivals = new EventRate(this.#startedAtMs);
  }

  /** Takes one event in. Costs a few stores and a look at the clock. */
  readonly record = (event: SynthesisEvent): void => {
    const counts = this.#counts;
    const nowMs = this.#clock.now();
    switch (event.kind) {
      case 'accepted':
        counts.accepted += 1;
        this.#arrivals.count(nowMs);
        return;
      case 'refused':
        counts.refused += 1;
        this.#refusals.add(indexOfCode(event.code));
        this.#arrivals.count(nowMs);
        return;
      case 'ended':
        this.#recordEnd(event, nowMs);
        return;
      case 'dispatched':
        this.#waits.add(event.waitedMs, SPOKEN, nowMs);
        if (event.routingMs !== undefined) this.#routings.add(event.routingMs, SPOKEN, nowMs);
        return;
      case 'attempt-ended':
        if (event.outcome === 'spoken') this.#generations.add(event.generationMs, SPOKEN, nowMs);
        return;
      case 'retried':
        counts.retries += 1;
        return;
      case 'breaker-changed':
        counts.breakerChanges += 1;
        return;
      case 'worker-changed':
        if (event.from === 'TERMINATED' && event.to === 'INITIALIZING') counts.workerRestarts += 1;
        return;
      case 'process-fault':
        counts.processFaults += 1;
        return;
      case 'protection-changed':
        return;
      default:
        event satisfies never;
    }
  };

  #recordEnd(event: SynthesisEvent & { kind: 'ended' }, nowMs: number): void {
    if (event.outcome === 'spoken') {
      this.#counts.spoken += 1;
      this.#counts.audioMs += event.audioMs;
      this.#counts.characters += event.characters;
      this.#latencies.add(event.latencyMs, SPOKEN, nowMs);
      return;
    }
    const index = indexOfCode(event.code);
    this.#counts.failed += 1;
    this.#errors.add(index);
    this.#latencies.add(event.latencyMs, FIRST_ERROR + index, nowMs);
  }

  /** Recent is of the last 1,024 in the last 5 minutes, whichever is less. Sorts at most 1,024 numbers. */
  summary() {
    const nowMs = this.#clock.now();
    const latencies: number[] = [];
    const recentErrors = new ErrorCounts();
    this.#latencies.visit(nowMs, (value, tag) => {
      if (tag === SPOKEN) latencies.push(value);
      else recentErrors.add(tag - FIRST_ERROR);
    });
    /** Refused requests are not in it. */
    const recentRequests = latencies.length + recentErrors.total;
    const average = (samples: RecentSamples): number | undefined => {
      const values: number[] = [];
      samples.visit(nowMs, (value) => values.push(value));
      return averageOf(values);
    };
    const errorRates: ErrorsByCategory = Object.fromEntries(
      Object.entries(recentErrors.byCategory()).map(([name, count]) => [name, count / recentRequests]),
    );
    return {
      startedAtMs: this.#startedAtMs,
      recentRequests,
      averageLatencyMs: averageOf(latencies),
      latencyPercentilesMs: percentilesOf(latencies),
      averageGenerationMs: average(this.#generations),
      averageQueueWaitMs: average(this.#waits),
      averageRoutingMs: average(this.#routings),
      requestsPerSecond: this.#arrivals.perSecond(nowMs),
      successRate: recentRequests === 0 ? undefined : latencies.length / recentRequests,
      errorRates,
      errorsByCode: this.#errors.byCode(),
      errorsByCategory: this.#errors.byCategory(),
      refusalsByCode: this.#refusals.byCode(),
      counts: { ...this.#counts },
    };
  }
}

/** The figures at one moment. */
export type StatisticsSummary = ReturnType<SynthesisStatistics['summary']>;
