import type { Clock } from '@taleback/resilience';
import type { SynthesisEvent } from '../pool/synthesis-event.ts';
import { ErrorCounts, type ErrorsByCategory, type ErrorsByCode, indexOfCode } from './error-counts.ts';
import { averageOf, EventRate, type Percentiles, percentilesOf, RecentSamples } from './recent.ts';

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

/**
 * The figures of a speech service. What is not known is undefined: there is no latency before the first request was spoken.
 * A count of 0 is a count. "Recent" is of the last 1,024 in the last 5 minutes, whichever is less.
 */
export interface StatisticsSummary {
  readonly startedAtMs: number;
  /** Requests that ended recently: the basis of the recent figures. */
  readonly recentRequests: number;
  /** Mean time from acceptance to speech, of recent spoken requests, ms. */
  readonly averageLatencyMs?: number | undefined;
  /** Of the same requests, ms, nearest rank. */
  readonly latencyPercentilesMs?: Percentiles | undefined;
  /** Mean time that a worker took, of recent spoken attempts, ms. */
  readonly averageGenerationMs?: number | undefined;
  /** Mean time in the queue, of recent dispatches, ms. */
  readonly averageQueueWaitMs?: number | undefined;
  /** Mean time that choosing a worker took, of recent dispatches that report it, ms. */
  readonly averageRoutingMs?: number | undefined;
  /** Requests, accepted or refused, over the last minute. */
  readonly requestsPerSecond?: number | undefined;
  /** Spoken of recent requests that ended, 0..1. Refused requests are not in it. */
  readonly successRate?: number | undefined;
  /** Failed of recent requests that ended, 0..1. */
  readonly errorRates: ErrorsByCategory;
  /** Requests that failed since the start. */
  readonly errorsByCode: ErrorsByCode;
  readonly errorsByCategory: ErrorsByCategory;
  /** Requests that were refused since the start. */
  readonly refusalsByCode: ErrorsByCode;
  /** Since the start. */
  readonly counts: Readonly<typeof NO_COUNTS>;
}

/** Enough for a P99 of ten requests, and 17 KB. Older trouble is over or in the counts. */
const RECENT = { capacity: 1_024, windowMs: 5 * 60_000 } as const;

/** Tags of samples: what was spoken, and above it the index of an error's code. */
const SPOKEN = 0;
const FIRST_ERROR = 1;

/** Keeps the figures in bounded memory: rings and counters, nothing is sorted before it is read. */
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

  /** Sorts at most 1,024 numbers. */
  summary(): StatisticsSummary {
    const nowMs = this.#clock.now();
    const latencies: number[] = [];
    const recentErrors = new ErrorCounts();
    this.#latencies.visit(nowMs, (value, tag) => {
      if (tag === SPOKEN) latencies.push(value);
      else recentErrors.add(tag - FIRST_ERROR);
    });
    const recentRequests = latencies.length + recentErrors.total;
    const average = (samples: RecentSamples): number | undefined => {
      const values: number[] = [];
      samples.visit(nowMs, (value) => values.push(value));
      return averageOf(values);
    };
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
      errorRates: Object.fromEntries(
        Object.entries(recentErrors.byCategory()).map(([name, count]) => [name, count / recentRequests]),
      ),
      errorsByCode: this.#errors.byCode(),
      errorsByCategory: this.#errors.byCategory(),
      refusalsByCode: this.#refusals.byCode(),
      counts: { ...this.#counts },
    };
  }
}
