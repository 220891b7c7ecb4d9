import { type WorkerSnapshot, worstBreaker } from '../pool/speech-line.ts';
import { type EngineStatus, decideReadiness, type ReadinessInput } from './engine-status.ts';
import type { StatisticsSummary } from './statistics.ts';

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

/** The whole status of the service, as plain JSON. Null is what is not known. */
export type ServiceStatus = ReturnType<typeof describeStatus>;

const isActive = ({ state }: WorkerSnapshot): boolean => state === 'READY' || state === 'BUSY';

/** @see docs/origins.md#pool-metrics */
const systemMetrics = ({ summary, pool, machine }: StatusInput) => {
  const workers = pool?.workers ?? [];
  return {
    /** Mean time from acceptance to speech, of recent spoken requests, ms. */
    averageLatency: summary.averageLatencyMs ?? null,
    /** Requests over the last minute, accepted or refused, per second. */
    requestsPerSecond: summary.requestsPerSecond ?? null,
    /** Requests that wait. */
    queueDepth: pool?.queueDepth ?? null,
    /** Spoken of recent requests that ended, 0..1. */
    successRate: summary.successRate ?? null,
    /** The worst of the workers' breakers; null when there is none. */
    circuitBreakerState: worstBreaker(workers.map(({ breaker }) => breaker)) ?? null,
    /** Health score of each worker, 0..100, in the order of `workers`. */
    workerHealth: workers.map(({ healthScore }) => healthScore),
    /** Used part of the memory of the machine or its container, 0..1. */
    memoryUsage: machine.memoryRatio ?? null,
    /** Used part of the processor time of the machine or its container, 0..1. */
    cpuUsage: machine.cpuRatio ?? null,
    /** Workers that are READY or BUSY. */
    activeWorkers: pool === undefined ? null : workers.filter(isActive).length,
  };
};

/** A worker; what rests on no request yet is null. */
const workerStatus = (worker: WorkerSnapshot) => ({
  ...worker,
  successRate: worker.jobsDone === 0 ? null : worker.successRate,
  averageResponseMs: worker.jobsDone === 0 ? null : worker.averageResponseMs,
});

/**
 * Everything that is known, and null for the rest. @see docs/origins.md#metrics
 *
 * @example
 * // Not run: its input is what a running service knows.
 * describeStatus({ ...input, nowMs: Date.now() }).queueDepth;
 */
export const describeStatus = (input: StatusInput) => {
  const { summary, pool, protection, engines, nowMs } = input;
  const { accepted, spoken, failed, refused, ...counts } = summary.counts;
  const noLatencies: Record<'p50' | 'p95' | 'p99', number | null> = { p50: null, p95: null, p99: null };
  return {
    ...decideReadiness(input),
    mode: pool?.mode ?? null,
    protection,
    ...systemMetrics(input),
    /** Of recent spoken requests, ms. */
    latencyPercentiles: summary.latencyPercentilesMs ?? noLatencies,
    /** Recent requests: the basis of the figures. */
    recentRequests: summary.recentRequests,
    /** Mean time that a worker took for a recent spoken attempt, ms. */
    averageGenerationTime: summary.averageGenerationMs ?? null,
    /** These, and all counts below, since the start. */
    circuitBreakerStateChanges: counts.breakerChanges,
    /** Attempts beyond the first. */
    retryAttempts: counts.retries,
    errorsByType: summary.errorsByCode,
    errorsByCategory: summary.errorsByCategory,
    /** Failed of recent requests that ended, 0..1, by category; null before any ended. */
    errorRates: summary.recentRequests === 0 ? null : summary.errorRates,
    /** Mean time in the queue, ms. */
    averageQueueWait: summary.averageQueueWaitMs ?? null,
    /** Mean time that choosing a worker took, ms. */
    averageRoutingTime: summary.averageRoutingMs ?? null,
    queued: pool?.queued ?? null,
    inFlight: pool?.inFlight ?? null,
    requests: { accepted, spoken, failed, refused },
    refusalsByType: summary.refusalsByCode,
    /** Audio that was spoken, ms. */
    audioSpoken: counts.audioMs,
    workerRestarts: counts.workerRestarts,
    processFaults: counts.processFaults,
    workers: (pool?.workers ?? []).map(workerStatus),
    /** ISO 8601. */
    startedAt: new Date(summary.startedAtMs).toISOString(),
    at: new Date(nowMs).toISOString(),
    /** In the order of preference. */
    engines,
  };
};
