import { describeError, type ErrorCategory, type ErrorCode, isErrorCode } from '@taleback/core';
import type { Clock } from '@taleback/resilience';
import type { SynthesisEvent } from '../pool/speech-line.ts';

type ErrorCounts = Partial<Record<ErrorCode, number>>;

/**
 * The code itself, or `unknown` for one that is not in the catalogue: what is counted stays bounded.
 *
 * @example
 * catalogued('no_such_code'); // unknown
 */
export const catalogued = (code: string): ErrorCode => (isErrorCode(code) ? code : 'unknown');

const countError = (counts: ErrorCounts, code: string): void => {
  const known = catalogued(code);
  counts[known] = (counts[known] ?? 0) + 1;
};

const byCategory = (counts: ErrorCounts): Partial<Record<ErrorCategory, number>> => {
  const sums: Partial<Record<ErrorCategory, number>> = {};
  for (const [code, count] of Object.entries(counts) as [ErrorCode, number][]) {
    const { category } = describeError(code);
    sums[category] = (sums[category] ?? 0) + count;
  }
  return sums;
};

interface Sample {
  readonly atMs: number;
  readonly value: number;
  /** Of a request that failed. */
  readonly code?: ErrorCode | undefined;
}

/** The last samples, of a bounded number and age. */
export class RecentSamples {
  readonly #capacity: number;
  readonly #windowMs: number;
  readonly #ring: Sample[] = [];
  #added = 0;

  constructor({ capacity, windowMs }: { readonly capacity: number; readonly windowMs: number }) {
    this.#capacity = capacity;
    this.#windowMs = windowMs;
  }

  /** Times never decrease. */
  add(sample: Sample): void {
    this.#ring[this.#added % this.#capacity] = sample;
    this.#added += 1;
  }

  at(nowMs: number): Sample[] {
    return this.#ring.filter(({ atMs }) => nowMs - atMs < this.#windowMs);
  }
}

const SECOND_MS = 1_000;
const RATE_SECONDS = 60;

/** How often something happens, over the last minute, from one counter a second. */
export class EventRate {
  readonly #openedAtMs: number;
  readonly #counts = new Uint32Array(RATE_SECONDS);
  /** The second, since the epoch, that each counter belongs to. */
  readonly #seconds = new Float64Array(RATE_SECONDS).fill(-1);

  constructor(nowMs: number) {
    this.#openedAtMs = nowMs;
  }

  count(nowMs: number): void {
    const second = Math.floor(nowMs / SECOND_MS);
    const at = second % RATE_SECONDS;
    if (this.#seconds[at] !== second) this.#counts[at] = 0;
    this.#seconds[at] = second;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
  }

  /** Over the time that the counters cover, at most 60 s. Null in the first second, which says nothing yet. */
  perSecond(nowMs: number): number | null {
    const oldestSecond = Math.floor(nowMs / SECOND_MS) - RATE_SECONDS + 1;
    const coveredMs = nowMs - Math.max(oldestSecond * SECOND_MS, this.#openedAtMs);
    if (coveredMs < SECOND_MS) return null;
    const counted = this.#counts.filter((_, at) => (this.#seconds[at] ?? -1) >= oldestSecond);
    return (counted.reduce((total, count) => total + count, 0) * SECOND_MS) / coveredMs;
  }
}

type Percentiles = Readonly<Record<'p50' | 'p95' | 'p99', number | null>>;

/**
 * Median, P95 and P99; null for no values. Each is the smallest value that so many per cent of all values do not exceed
 * (nearest rank): always a measured value.
 */
export const percentilesOf = (values: readonly number[]): Percentiles => {
  const sorted = values.toSorted((a, b) => a - b);
  // Whole per cents: the rank suffers no rounding.
  const rank = (percent: number): number | null =>
    sorted[Math.ceil((percent * sorted.length) / 100) - 1] ?? null;
  return { p50: rank(50), p95: rank(95), p99: rank(99) };
};

/** The mean; null for no values. */
export const averageOf = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;

/** Enough for a P99 of ten requests. Older trouble is over or in the counts. */
const RECENT = { capacity: 1_024, windowMs: 5 * 60_000 } as const;

/**
 * The figures of a speech service in bounded memory; nothing is sorted before it is read. What is not known is null: there is
 * no latency before the first request was spoken.
 */
export class SynthesisStatistics {
  readonly #clock: Clock;
  readonly #startedAtMs: number;
  readonly #ended = new RecentSamples(RECENT);
  readonly #generations = new RecentSamples(RECENT);
  readonly #waits = new RecentSamples(RECENT);
  readonly #routings = new RecentSamples(RECENT);
  readonly #arrivals: EventRate;
  readonly #errors: ErrorCounts = {};
  readonly #refusals: ErrorCounts = {};
  readonly #counts = {
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
  };

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAtMs = clock.now();
    this.#arrivals = new EventRate(this.#startedAtMs);
  }

  readonly record = (event: SynthesisEvent): void => {
    const counts = this.#counts;
    const atMs = this.#clock.now();
    switch (event.kind) {
      case 'accepted':
        counts.accepted += 1;
        this.#arrivals.count(atMs);
        return;
      case 'refused':
        counts.refused += 1;
        countError(this.#refusals, event.code);
        this.#arrivals.count(atMs);
        return;
      case 'ended':
        if (event.outcome === 'spoken') {
          counts.spoken += 1;
          counts.audioMs += event.audioMs;
          this.#ended.add({ atMs, value: event.latencyMs });
        } else {
          counts.failed += 1;
          countError(this.#errors, event.code);
          this.#ended.add({ atMs, value: event.latencyMs, code: event.code });
        }
        return;
      case 'dispatched':
        this.#waits.add({ atMs, value: event.waitedMs });
        if (event.routingMs !== undefined) this.#routings.add({ atMs, value: event.routingMs });
        return;
      case 'attempt-ended':
        if (event.outcome === 'spoken') this.#generations.add({ atMs, value: event.generationMs });
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
      case 'breaker-rejected':
      case 'protection-changed':
        return;
      default:
        event satisfies never;
    }
  };

  /** The figures of the service's status. Recent is of the last 1,024 in the last 5 minutes, whichever is less. */
  summary() {
    const nowMs = this.#clock.now();
    const recent = this.#ended.at(nowMs);
    const recentErrors: ErrorCounts = {};
    for (const { code } of recent) if (code !== undefined) countError(recentErrors, code);
    const latencies = recent.filter(({ code }) => code === undefined).map(({ value }) => value);
    const average = (samples: RecentSamples): number | null =>
      averageOf(samples.at(nowMs).map(({ value }) => value));
    const rates = Object.entries(byCategory(recentErrors)).map(([name, count]) => [
      name,
      count / recent.length,
    ]);
    const { accepted, spoken, failed, refused, breakerChanges, retries, audioMs, ...counts } = this.#counts;
    return {
      /** Mean time from acceptance to speech, of recent spoken requests, ms. */
      averageLatency: averageOf(latencies),
      /** Of recent spoken requests, ms. */
      latencyPercentiles: percentilesOf(latencies),
      /** Requests over the last minute, accepted or refused, per second. */
      requestsPerSecond: this.#arrivals.perSecond(nowMs),
      /** Recent requests that were not refused: the basis of the figures. */
      recentRequests: recent.length,
      /** Spoken of recent requests that ended, 0..1. */
      successRate: recent.length === 0 ? null : latencies.length / recent.length,
      /** Failed of recent requests that ended, 0..1, by category; null before any ended. */
      errorRates:
        recent.length === 0
          ? null
          : (Object.fromEntries(rates) as Readonly<Partial<Record<ErrorCategory, number>>>),
      /** Mean time that a worker took for a recent spoken attempt, ms. */
      averageGenerationTime: average(this.#generations),
      /** Mean time in the queue, ms. */
      averageQueueWait: average(this.#waits),
      /** Mean time that choosing a worker took, ms. */
      averageRoutingTime: average(this.#routings),
      /** These, and all counts below, since the start. */
      requests: { accepted, spoken, failed, refused },
      errorsByType: { ...this.#errors } as Readonly<ErrorCounts>,
      errorsByCategory: byCategory(this.#errors),
      refusalsByType: { ...this.#refusals } as Readonly<ErrorCounts>,
      circuitBreakerStateChanges: breakerChanges,
      /** Attempts beyond the first. */
      retryAttempts: retries,
      /** Audio that was spoken, ms. */
      audioSpoken: audioMs,
      ...counts,
      /** ISO 8601. */
      startedAt: new Date(this.#startedAtMs).toISOString(),
    };
  }
}

/** The figures at one moment. */
export type StatisticsSummary = ReturnType<SynthesisStatistics['summary']>;
