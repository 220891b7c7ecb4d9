import type { Clock } from '@taleback/resilience';
import { ErrorTally, indexOfCode } from './error-tally.ts';
import { EventRate } from './event-rate.ts';
import { averageOf, percentilesOf } from './percentiles.ts';
import { RecentSamples } from './recent-samples.ts';
import type { StatisticsCounts, StatisticsSummary } from './statistics-summary.ts';
import type { SynthesisEvent } from './synthesis-event.ts';

/** Enough for a P99 that ten requests stand behind, and 17 KB. Five minutes: older trouble is over or in the counts. */
const RECENT = { capacity: 1_024, windowMs: 5 * 60_000 } as const;

/** Tags of samples: what was spoken, and above it the index of an error's code. */
const SPOKEN = 0;
const FIRST_ERROR = 1;

type Counts = { -readonly [Name in keyof StatisticsCounts]: number };

const NO_COUNTS: StatisticsCounts = {
  accepted: 0,
  spoken: 0,
  failed: 0,
  refused: 0,
  retries: 0,
  breakerChanges: 0,
  workerRestarts: 0,
  processFaults: 0,
  audioMs: 0,
  characters: 0,
};

/** Keeps the figures of a worker in bounded memory: rings and counters, nothing sorted until somebody asks. */
export class SynthesisStatistics {
  readonly #clock: Clock;
  readonly #startedAtMs: number;
  readonly #latencies = new RecentSamples(RECENT);
  readonly #generations = new RecentSamples(RECENT);
  readonly #waits = new RecentSamples(RECENT);
  readonly #routings = new RecentSamples(RECENT);
  readonly #arrivals: EventRate;
  readonly #errors = new ErrorTally();
  readonly #refusals = new ErrorTally();
  readonly #counts: Counts = { ...NO_COUNTS };

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAtMs = clock.now();
    this.#arrivals = new EventRate(this.#startedAtMs);
  }

  /** Takes one event in. Costs a few stores and a look at the clock. */
  readonly record = (event: SynthesisEvent): void => {
    const counts = this.#counts;
    switch (event.kind) {
      case 'accepted':
        counts.accepted += 1;
        this.#arrivals.count(this.#clock.now());
        return;
      case 'refused':
        counts.refused += 1;
        this.#refusals.add(indexOfCode(event.code));
        this.#arrivals.count(this.#clock.now());
        return;
      case 'ended':
        this.#recordEnd(event);
        return;
      case 'dispatched':
        this.#recordDispatch(event, this.#clock.now());
        return;
      case 'attempt-ended':
        if (event.outcome === 'spoken') this.#generations.add(event.generationMs, SPOKEN, this.#clock.now());
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

  #recordDispatch({ waitedMs, routingMs }: SynthesisEvent & { kind: 'dispatched' }, nowMs: number): void {
    this.#waits.add(waitedMs, SPOKEN, nowMs);
    if (routingMs !== undefined) this.#routings.add(routingMs, SPOKEN, nowMs);
  }

  #recordEnd(event: SynthesisEvent & { kind: 'ended' }): void {
    const nowMs = this.#clock.now();
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

  /** The figures as they stand. Sorts at most 1,024 numbers. */
  summary(): StatisticsSummary {
    const nowMs = this.#clock.now();
    const latencies: number[] = [];
    const recentErrors = new ErrorTally();
    this.#latencies.visit(nowMs, (value, tag) => {
      if (tag === SPOKEN) latencies.push(value);
      else recentErrors.add(tag - FIRST_ERROR);
    });
    const recentRequests = latencies.length + recentErrors.total;
    return {
      startedAtMs: this.#startedAtMs,
      recentRequests,
      ...known('averageLatencyMs', averageOf(latencies)),
      ...known('latencyPercentilesMs', percentilesOf(latencies)),
      ...known('averageGenerationMs', averageOf(valuesOf(this.#generations, nowMs))),
      ...known('averageQueueWaitMs', averageOf(valuesOf(this.#waits, nowMs))),
      ...known('averageRoutingMs', averageOf(valuesOf(this.#routings, nowMs))),
      ...known('requestsPerSecond', this.#arrivals.perSecond(nowMs)),
      ...(recentRequests === 0 ? {} : { successRate: latencies.length / recentRequests }),
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

const valuesOf = (samples: RecentSamples, nowMs: number): number[] => {
  const values: number[] = [];
  samples.visit(nowMs, (value) => values.push(value));
  return values;
};

const known = <Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): Partial<Record<Name, Value>> =>
  value === undefined ? {} : ({ [name]: value } as Partial<Record<Name, Value>>);
