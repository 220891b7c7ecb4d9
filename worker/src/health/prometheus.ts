import { collectDefaultMetrics, Registry } from 'prom-client';
import type { CacheStatus } from '@taleback/speech/src/cache/sound-cache.ts';
import type { MachineUsage } from '@taleback/speech/src/status/service-status.ts';
import type { OutboxStatus } from '@taleback/outbox';
import type { PoolSnapshot } from '@taleback/speech/src/pool/pool-snapshot.ts';
import type { ProtectionSummary, Readiness } from '@taleback/speech/src/status/readiness.ts';
import type { SynthesisListener } from '@taleback/speech/src/pool/synthesis-event.ts';
import { createCacheMetrics } from './prometheus-cache.ts';
import {
  BREAKER_STATES,
  boundedLabel,
  breakerLabel,
  PRIORITIES,
  SERVICE_STATES,
  WORKER_STATES,
} from './prometheus-labels.ts';
import { createMetrics, type Metrics } from './prometheus-metrics.ts';
import { createOutboxMetrics } from './prometheus-outbox.ts';
import { createRecorder, zeroCounters } from './prometheus-recorder.ts';

export interface PrometheusOptions {
  /** Asked once per scrape; undefined until there is a manager. */
  readonly pool: () => PoolSnapshot | undefined;
  readonly machine: () => MachineUsage;
  readonly protection: () => ProtectionSummary;
  readonly readiness: () => Readiness;
  /** Absent where no callbacks are sent. */
  readonly outbox?: (() => OutboxStatus) | undefined;
  /** Undefined while it is off; absent where there is none. */
  readonly cache?: (() => CacheStatus | undefined) | undefined;
  /** Processor time, memory, event loop lag and garbage collection of this process. Default true. */
  readonly withProcessMetrics?: boolean;
}

export interface PrometheusMetrics {
  /** Takes one event in. */
  readonly record: SynthesisListener;
  readonly contentType: string;
  /** The page that Prometheus scrapes. */
  readonly text: () => Promise<string>;
}

const showPool = (metrics: Metrics, pool: PoolSnapshot, labelOf: (workerId: string) => string): void => {
  for (const priority of PRIORITIES) metrics.queueDepth.set({ priority }, pool.queued[priority]);
  metrics.inFlight.set({ mode: pool.mode }, pool.inFlight);
  for (const state of WORKER_STATES) {
    const count = pool.workers.filter((worker) => worker.state === state).length;
    metrics.workers.set({ state: state.toLowerCase() }, count);
  }
  for (const { id, healthScore, rssBytes, breaker } of pool.workers) {
    const worker = labelOf(id);
    metrics.workerHealth.set({ worker }, healthScore);
    if (rssBytes !== undefined) metrics.workerMemory.set({ worker }, rssBytes);
    for (const state of BREAKER_STATES) {
      metrics.workerBreaker.set({ worker, state: breakerLabel(state) }, state === breaker ? 1 : 0);
    }
  }
};

/** The metrics of one worker, in a registry of their own. */
export const createPrometheus = (options: PrometheusOptions): PrometheusMetrics => {
  const registry = new Registry();
  if (options.withProcessMetrics ?? true) collectDefaultMetrics({ register: registry });
  const metrics = createMetrics(registry);
  const labelOf = boundedLabel();
  zeroCounters(metrics);
  if (options.outbox !== undefined) createOutboxMetrics(registry, options.outbox);
  if (options.cache !== undefined) createCacheMetrics(registry, options.cache);

  const { queueDepth, inFlight, workers, workerHealth, workerMemory, workerBreaker, machineUsage } = metrics;
  const forgettable = [
    queueDepth,
    inFlight,
    workers,
    workerHealth,
    workerMemory,
    workerBreaker,
    machineUsage,
  ];

  /** One look at everything per scrape; what is gone or unknown now is not told as it was before. */
  const look = (): void => {
    for (const gauge of forgettable) gauge.reset();
    const pool = options.pool();
    if (pool !== undefined) showPool(metrics, pool, labelOf);
    const { cpuRatio, memoryRatio } = options.machine();
    for (const [resource, ratio] of Object.entries({ cpu: cpuRatio, memory: memoryRatio })) {
      if (ratio !== undefined && Number.isFinite(ratio)) machineUsage.set({ resource }, ratio);
    }
    const readiness = options.readiness();
    metrics.ready.set(readiness.ready ? 1 : 0);
    for (const state of SERVICE_STATES) metrics.state.set({ state }, state === readiness.state ? 1 : 0);
    metrics.protection.set(options.protection().active ? 1 : 0);
  };

  return {
    record: createRecorder(metrics, labelOf),
    contentType: registry.contentType,
    text: async () => {
      look();
      return registry.metrics();
    },
  };
};
