import type { Clock } from '@taleback/resilience';
import type { SynthesisEvent } from '../pool/synthesis-event.ts';
import { ErrorCounts, type ErrorsByCategory, indexOfCode } from './error-counts.ts';
import { averageOf, EventRate, percentilesOf, RecentSamples } from './recent.ts';

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
