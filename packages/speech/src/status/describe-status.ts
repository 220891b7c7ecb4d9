import { worstBreaker } from './breaker-states.ts';
import { decideReadiness, type ProtectionWords, type ServicePhase } from './readiness.ts';
import type { ServiceStatus, SynthesisMetrics, SystemMetrics, WorkerStatus } from './service-status.ts';
import type { StatisticsSummary } from './statistics-summary.ts';
import type { PoolSnapshot, WorkerSnapshot } from './synthesis-event.ts';

/** The machine as it was measured last; absent is what could not be measured. */
export interface MachineUsage {
  /** Of all processors, or of what the container may use, 0..1. */
  readonly cpuRatio?: number | undefined;
  /** Of all memory, or of what the container may use, 0..1. */
  readonly memoryRatio?: number | undefined;
}

export interface StatusInput {
  readonly phase: ServicePhase;
  readonly protection: ProtectionWords;
  readonly summary: StatisticsSummary;
  readonly machine: MachineUsage;
  /** Absent until there is a manager. */
  readonly pool?: PoolSnapshot | undefined;
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

/** Puts all that is known into one picture, and null where nothing is. */
export const describeStatus = (input: StatusInput): ServiceStatus => {
  const { summary, pool, protection, nowMs } = input;
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
  };
};
