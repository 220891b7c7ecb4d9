import {
  type PoolMode,
  type PoolSnapshot,
  type WorkerBreakerState,
  type WorkerSnapshot,
  worstBreaker,
} from '../pool/pool-snapshot.ts';
import type { EngineStatus } from './engine-status.ts';
import type { ErrorsByCategory, ErrorsByCode } from './error-counts.ts';
import {
  decideReadiness,
  type ProtectionSummary,
  type ReadinessInput,
  type ServiceState,
} from './readiness.ts';
import type { Percentiles } from './recent.ts';
import type { StatisticsSummary } from './statistics.ts';

/**
 * The key metrics of the manager. Null is what is not known.
 *
 * @see docs/origins.md#key-metrics
 */
export interface SystemMetrics {
  /** Mean time from acceptance to speech, of recent spoken requests, ms. */
  readonly averageLatency: number | null;
  /** Requests over the last minute, accepted or refused, per second. */
  readonly requestsPerSecond: number | null;
  /** Requests that wait. */
  readonly queueDepth: number | null;
  /** Spoken of recent requests that ended, 0..1. */
  readonly successRate: number | null;
  /** The worst of the workers' breakers; null when there is none. */
  readonly circuitBreakerState: WorkerBreakerState | null;
  /** Health score of each worker, 0..100, in the order of `workers`. */
  readonly workerHealth: readonly number[];
  /** Used part of the memory of the machine or its container, 0..1. */
  readonly memoryUsage: number | null;
  /** Used part of the processor time of the machine or its container, 0..1. */
  readonly cpuUsage: number | null;
  /** Workers that are READY or BUSY. */
  readonly activeWorkers: number | null;
}

/** @see docs/origins.md#monitoring */
export interface SynthesisMetrics {
  /** Mean time that a worker took for a recent attempt that was spoken, ms. */
  readonly averageGenerationTime: number | null;
  /** Since the start. */
  readonly circuitBreakerStateChanges: number;
  /** Attempts beyond the first, since the start. */
  readonly retryAttempts: number;
  /** Requests that failed since the start. */
  readonly errorsByType: ErrorsByCode;
  readonly errorsByCategory: ErrorsByCategory;
  /** Failed of recent requests that ended, 0..1, by category; null before any ended. */
  readonly errorRates: ErrorsByCategory | null;
}

/** A worker; what rests on no request yet is null. */
export interface WorkerStatus extends Omit<WorkerSnapshot, 'successRate' | 'averageResponseMs'> {
  readonly successRate: number | null;
  readonly averageResponseMs: number | null;
}

/** The whole status of the service, as plain JSON. */
export interface ServiceStatus extends SystemMetrics, SynthesisMetrics {
  readonly state: ServiceState;
  /** Why it is not simply ready. */
  readonly reasons: readonly string[];
  readonly ready: boolean;
  readonly mode: PoolMode | null;
  readonly protection: ProtectionSummary;
  /** Of recent spoken requests, ms. */
  readonly latencyPercentiles: { readonly [Name in keyof Percentiles]: number | null };
  /** Recent requests: the basis of the figures. */
  readonly recentRequests: number;
  /** Mean time in the queue, ms. */
  readonly averageQueueWait: number | null;
  /** Mean time that choosing a worker took, ms. */
  readonly averageRoutingTime: number | null;
  readonly queued: PoolSnapshot['queued'] | null;
  readonly inFlight: number | null;
  /** Since the start. */
  readonly requests: {
    readonly accepted: number;
    readonly spoken: number;
    readonly failed: number;
    readonly refused: number;
  };
  readonly refusalsByType: ErrorsByCode;
  /** Audio that was spoken since the start, ms. */
  readonly audioSpoken: number;
  readonly workerRestarts: number;
  readonly processFaults: number;
  readonly workers: readonly WorkerStatus[];
  /** ISO 8601. */
  readonly startedAt: string;
  readonly at: string;
  /** Each engine, in the order of preference. */
  readonly engines: readonly EngineStatus[];
}

/** The last measurement of the machine; what could not be measured is absent. */
export interface MachineUsage {
  /** Of all processors, or of what the container may use, 0..1. */
  readonly cpuRatio?: number | undefined;
  /** Of all memory, or of what the container may use, 0..1. */
  readonly memoryRatio?: number | undefined;
}

export interface StatusInput extends ReadinessInput {
  readonly summary: StatisticsSummary;
  readonly machine: MachineUsage;
  readonly engines: readonly EngineStatus[];
  readonly nowMs: number;
}

const isActive = ({ state }: WorkerSnapshot): boolean => state === 'READY' || state === 'BUSY';

const systemMetrics = ({ summary, pool, machine }: StatusInput): SystemMetrics => {
  const workers = pool?.workers ?? [];
  return {
    averageLatency: summary.averageLatencyMs ?? null,
    requestsPerSecond: summary.requestsPerSecond ?? null,
    queueDepth: pool?.queueDepth ?? null,
    successRate: summary.successRate ?? null,
    circuitBreakerState: worstBreaker(workers.map(({ breaker }) => breaker)) ?? null,
    workerHealth: workers.map(({ healthScore }) => healthScore),
    memoryUsage: machine.memoryRatio ?? null,
    cpuUsage: machine.cpuRatio ?? null,
    activeWorkers: pool === undefined ? null : workers.filter(isActive).length,
  };
};

const synthesisMetrics = ({ summary }: StatusInput): SynthesisMetrics => ({
  averageGenerationTime: summary.averageGenerationMs ?? null,
  circuitBreakerStateChanges: summary.counts.breakerChanges,
  retryAttempts: summary.counts.retries,
  errorsByType: summary.errorsByCode,
  errorsByCategory: summary.errorsByCategory,
  errorRates: summary.recentRequests === 0 ? null : summary.errorRates,
});

const workerStatus = (worker: WorkerSnapshot): WorkerStatus =>
  worker.jobsDone === 0 ? { ...worker, successRate: null, averageResponseMs: null } : worker;

/** Everything that is known, and null for the rest. */
export const describeStatus = (input: StatusInput): ServiceStatus => {
  const { summary, pool, protection, engines, nowMs } = input;
  const { accepted, spoken, failed, refused, audioMs, workerRestarts, processFaults } = summary.counts;
  return {
    ...decideReadiness(input),
    mode: pool?.mode ?? null,
    protection,
    ...systemMetrics(input),
    latencyPercentiles: summary.latencyPercentilesMs ?? { p50: null, p95: null, p99: null },
    recentRequests: summary.recentRequests,
    ...synthesisMetrics(input),
    averageQueueWait: summary.averageQueueWaitMs ?? null,
    averageRoutingTime: summary.averageRoutingMs ?? null,
    queued: pool?.queued ?? null,
    inFlight: pool?.inFlight ?? null,
    requests: { accepted, spoken, failed, refused },
    refusalsByType: summary.refusalsByCode,
    audioSpoken: audioMs,
    workerRestarts,
    processFaults,
    workers: (pool?.workers ?? []).map(workerStatus),
    startedAt: new Date(summary.startedAtMs).toISOString(),
    at: new Date(nowMs).toISOString(),
    engines,
  };
};
