import { describeError } from '@taleback/core';
import type { OutboxStatus } from '@taleback/outbox';
import type { Priority } from '@taleback/resilience';
import type {
  CacheStatus,
  PoolSnapshot,
  SynthesisEvent,
  SynthesisListener,
  WorkerBreakerState,
  WorkerState,
} from '@taleback/speech';
import {
  catalogued,
  type MachineUsage,
  type ProtectionSummary,
  type Readiness,
  type ServiceState,
} from '@taleback/speech/operations';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { createMetrics, type Metrics } from './metrics.ts';

/** What is read at a scrape. */
export interface ScrapedState {
  /** Undefined before the start. */
  readonly pool: PoolSnapshot | undefined;
  readonly machine: MachineUsage;
  readonly protection: ProtectionSummary;
  readonly readiness: Readiness;
  readonly outbox?: OutboxStatus | undefined;
  /** Undefined while it is off. */
  readonly cache?: CacheStatus | undefined;
}

export interface PrometheusMetrics {
  /** Counts and times one event. */
  readonly record: SynthesisListener;
  readonly contentType: string;
  /** The page that Prometheus scrapes. */
  readonly text: (state: ScrapedState) => Promise<string>;
}

const PRIORITIES = ['high', 'normal', 'low'] as const satisfies readonly Priority[];
const WORKER_STATES = [
  'INITIALIZING',
  'READY',
  'BUSY',
  'UNHEALTHY',
  'SHUTTING_DOWN',
  'TERMINATED',
] as const satisfies readonly WorkerState[];
const BREAKER_STATES = [
  'CLOSED',
  'OPEN',
  'HALF_OPEN',
  'ISOLATED',
] as const satisfies readonly WorkerBreakerState[];
const SERVICE_STATES = [
  'starting',
  'ready',
  'degraded',
  'protected',
  'stopping',
] as const satisfies readonly ServiceState[];

/** More names than any pool has workers share one label, so that what is kept stays bounded. */
const MAX_WORKER_LABELS = 64;
const OTHER = 'other';

const boundedLabel = (): ((name: string) => string) => {
  const names = new Set<string>();
  return (name) => {
    if (names.size < MAX_WORKER_LABELS) names.add(name);
    return names.has(name) ? name : OTHER;
  };
};

/** `half-open` and `HALF_OPEN` are one label. */
const breakerLabel = (state: string): string => {
  const name = state.toUpperCase().replaceAll('-', '_');
  return BREAKER_STATES.some((known) => known === name) ? name.toLowerCase() : OTHER;
};

const toSeconds = (ms: number): number => ms / 1_000;

/** Counters that are known to be 0 say so from the start, so that their first rise is seen. */
const zeroCounters = (metrics: Metrics): void => {
  for (const priority of PRIORITIES) metrics.accepted.inc({ priority }, 0);
  for (const outcome of ['spoken', 'failed']) metrics.ended.inc({ outcome }, 0);
  for (const state of BREAKER_STATES) metrics.breakerChanges.inc({ to: breakerLabel(state) }, 0);
  for (const origin of ['unhandledRejection', 'uncaughtException']) metrics.processFaults.inc({ origin }, 0);
};

const recordEnd = (metrics: Metrics, event: SynthesisEvent & { kind: 'ended' }): void => {
  const { outcome } = event;
  metrics.ended.inc({ outcome });
  metrics.synthesis.observe({ outcome }, toSeconds(event.latencyMs));
  if (event.outcome === 'spoken') {
    metrics.audio.inc(toSeconds(event.audioMs));
    metrics.characters.inc(event.characters);
    return;
  }
  const code = catalogued(event.code);
  metrics.failures.inc({ code, category: describeError(code).category });
};

const recordEvent = (
  metrics: Metrics,
  labelOf: (workerId: string) => string,
  event: SynthesisEvent,
): void => {
  switch (event.kind) {
    case 'accepted':
      return metrics.accepted.inc({ priority: event.priority });
    case 'refused':
      return metrics.refusals.inc({ code: catalogued(event.code) });
    case 'ended':
      return recordEnd(metrics, event);
    case 'dispatched':
      metrics.queueWait.observe(toSeconds(event.waitedMs));
      if (event.routingMs !== undefined) metrics.routing.observe(toSeconds(event.routingMs));
      return;
    case 'attempt-ended':
      return metrics.generation.observe({ outcome: event.outcome }, toSeconds(event.generationMs));
    case 'retried':
      return metrics.retries.inc({ code: catalogued(event.code) });
    case 'breaker-changed':
      return metrics.breakerChanges.inc({ to: breakerLabel(event.to) });
    case 'worker-changed':
      metrics.workerChanges.inc({ to: event.to.toLowerCase() });
      if (event.from === 'TERMINATED' && event.to === 'INITIALIZING')
        metrics.workerRestarts.inc({ worker: labelOf(event.workerId) });
      return;
    case 'process-fault':
      return metrics.processFaults.inc({ origin: event.origin });
    case 'protection-changed':
      return;
    default:
      event satisfies never;
  }
};

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

/** While another process sends, only that one knows what waits. */
const showOutbox = (metrics: Metrics, outbox: OutboxStatus): void => {
  if (outbox.depth !== null) metrics.outboxDepth.set({ sending: 'true' }, outbox.depth);
  if (outbox.sending) metrics.outboxOldestAge.set({ sending: 'true' }, toSeconds(outbox.oldestAge ?? 0));
  for (const end of ['delivered', 'refused', 'expired'] as const) metrics.callbacks.inc({ end }, outbox[end]);
  metrics.outboxSetAside.inc(outbox.setAside);
  metrics.outboxBypassed.inc(outbox.sentWithout);
};

const showCache = (metrics: Metrics, cache: CacheStatus | undefined): void => {
  metrics.cacheBytes.set(cache?.sizeBytes ?? 0);
  for (const kind of ['chunk', 'narration'] as const) {
    metrics.cacheRequests.inc({ kind, outcome: 'hit' }, cache?.hits[kind] ?? 0);
    metrics.cacheRequests.inc({ kind, outcome: 'miss' }, cache?.misses[kind] ?? 0);
  }
  metrics.cacheLost.inc({ cause: 'evicted' }, cache?.evictions ?? 0);
  metrics.cacheLost.inc({ cause: 'expired' }, cache?.expired ?? 0);
  metrics.cacheLost.inc({ cause: 'broken' }, cache?.broken ?? 0);
  metrics.cacheLost.inc({ cause: 'unkept' }, cache?.unkept ?? 0);
};

/**
 * The metrics of one worker, in a registry of their own.
 *
 * @param options `withProcessMetrics`: processor time, memory, event loop lag and garbage collection of this process.
 *   Default true.
 */
export const createPrometheus = (
  options: { readonly withProcessMetrics?: boolean } = {},
): PrometheusMetrics => {
  const registry = new Registry();
  if (options.withProcessMetrics ?? true) collectDefaultMetrics({ register: registry });
  const metrics = createMetrics(registry);
  const labelOf = boundedLabel();
  zeroCounters(metrics);

  /** What is gone or unknown now must not be shown as it was at the scrape before. */
  const ofOneScrape = [
    metrics.queueDepth,
    metrics.inFlight,
    metrics.workers,
    metrics.workerHealth,
    metrics.workerMemory,
    metrics.workerBreaker,
    metrics.machineUsage,
    metrics.outboxDepth,
    metrics.outboxOldestAge,
    metrics.callbacks,
    metrics.outboxSetAside,
    metrics.outboxBypassed,
    metrics.cacheRequests,
    metrics.cacheLost,
  ];

  return {
    record: (event) => recordEvent(metrics, labelOf, event),
    contentType: registry.contentType,
    text: async ({ pool, machine, protection, readiness, outbox, cache }) => {
      for (const metric of ofOneScrape) metric.reset();
      if (pool !== undefined) showPool(metrics, pool, labelOf);
      for (const [resource, ratio] of Object.entries({
        cpu: machine.cpuRatio,
        memory: machine.memoryRatio,
      })) {
        if (ratio !== undefined && Number.isFinite(ratio)) metrics.machineUsage.set({ resource }, ratio);
      }
      metrics.ready.set(readiness.ready ? 1 : 0);
      for (const state of SERVICE_STATES) metrics.state.set({ state }, state === readiness.state ? 1 : 0);
      metrics.protection.set(protection.active ? 1 : 0);
      if (outbox !== undefined) showOutbox(metrics, outbox);
      showCache(metrics, cache);
      return registry.metrics();
    },
  };
};
