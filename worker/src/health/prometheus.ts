import { describeError } from '@taleback/core';
import type { OutboxStatus } from '@taleback/outbox';
import type { Priority } from '@taleback/resilience';
import type {
  CacheStatus,
  FaultOrigin,
  PoolSnapshot,
  SynthesisEvent,
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
import type { StoryFigures } from './story-figures.ts';
import type { StreamHealth } from './stream.ts';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What is read at a scrape. */
export interface ScrapedState {
  /** Undefined before the start. */
  readonly pool: PoolSnapshot | undefined;
  readonly machine: MachineUsage;
  readonly protection: ProtectionSummary;
  readonly readiness: Readiness;
  readonly stories?: Pick<StoryFigures, 'ready' | 'failed'>;
  readonly streams?: Readonly<Record<string, StreamHealth>>;
  readonly outbox?: OutboxStatus | undefined;
  /** Undefined while it is off. */
  readonly cache?: CacheStatus | undefined;
}

/** Around the goals of P50 150 ms, P95 300 ms and P99 500 ms, up to the time-out of 60 s. @see docs/origins.md#latency-goals */
const LATENCY_SECONDS = [0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 10, 30, 60, 120];
/** Around the goal of 100 ms. @see docs/origins.md#latency-goals */
const ROUTING_SECONDS = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 1];

const PRIORITIES = ['high', 'normal', 'low'] as const satisfies readonly Priority[];
const ORIGINS = ['unhandledRejection', 'uncaughtException'] as const satisfies readonly FaultOrigin[];
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

/** `half-open` and `HALF_OPEN` are one label. */
const breakerLabel = (state: string): string => state.toLowerCase().replace('-', '_');

const toSeconds = (ms: number): number => ms / 1_000;

/** Every metric of a worker, in base units. A gauge that may be unknown has a label, so that it can be absent. */
const createMetrics = (registry: Registry) => {
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Counter({ name, help, labelNames, registers });
  const gauge = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Gauge({ name, help, labelNames, registers });
  const histogram = <Label extends string>(
    name: string,
    help: string,
    buckets: number[],
    ...labelNames: Label[]
  ) => new Histogram({ name, help, buckets, labelNames, registers });

  /** Counted and timed as things happen. */
  const events = {
    synthesis: histogram(
      'taleback_synthesis_seconds',
      'Time from acceptance of a request to its end.',
      LATENCY_SECONDS,
      'outcome',
    ),
    generation: histogram(
      'taleback_generation_seconds',
      'Time that a worker took for an attempt.',
      LATENCY_SECONDS,
      'outcome',
    ),
    queueWait: histogram(
      'taleback_queue_wait_seconds',
      'Time from acceptance of a request to its hand-over to a worker.',
      LATENCY_SECONDS,
    ),
    routing: histogram('taleback_routing_seconds', 'Time that the choice of a worker took.', ROUTING_SECONDS),
    accepted: counter('taleback_accepted_total', 'Requests that entered the queue.', 'priority'),
    refusals: counter('taleback_refusals_total', 'Requests that never entered the queue.', 'code'),
    ended: counter('taleback_ended_total', 'Accepted requests that came to their end.', 'outcome'),
    failures: counter('taleback_failures_total', 'Accepted requests that failed.', 'code', 'category'),
    retries: counter('taleback_retries_total', 'Attempts beyond the first, by what failed.', 'code'),
    audio: counter('taleback_audio_seconds_total', 'Audio that was spoken.'),
    characters: counter('taleback_characters_total', 'Characters that were spoken.'),
    breakerChanges: counter('taleback_breaker_changes_total', 'Changes of circuit breakers.', 'to'),
    workerChanges: counter('taleback_worker_changes_total', 'Changes of state of workers.', 'to'),
    workerRestarts: counter('taleback_worker_restarts_total', 'Workers that were restarted.', 'worker'),
    processFaults: counter('taleback_process_faults_total', 'Uncaught faults of the process.', 'origin'),
  };
  /** Set at a scrape, from nothing: what is gone or unknown now must not be shown as it was at the scrape before. */
  const scraped = {
    queueDepth: gauge('taleback_queue_depth', 'Requests that wait.', 'priority'),
    inFlight: gauge('taleback_in_flight', 'Requests that workers process.', 'mode'),
    workers: gauge('taleback_workers', 'Workers by state.', 'state'),
    workerHealth: gauge('taleback_worker_health_score', 'Health score of a worker, 0 to 100.', 'worker'),
    workerMemory: gauge('taleback_worker_resident_memory_bytes', 'Resident memory of a worker.', 'worker'),
    workerBreaker: gauge('taleback_worker_breaker', '1 for the state of a breaker.', 'worker', 'state'),
    machineUsage: gauge('taleback_machine_usage_ratio', 'Resources in use, 0 to 1.', 'resource'),
    protection: gauge('taleback_protection_active', '1 while protection refuses work.'),
    ready: gauge('taleback_ready', '1 while it can take work.'),
    streamOpen: gauge('taleback_stream_open', '1 while a background stream is open.', 'stream'),
    streamFailures: counter('taleback_stream_failures_total', 'Ends and failed openings.', 'stream'),
    state: gauge('taleback_state', '1 for the state of the service.', 'state'),
    stories: counter('taleback_stories_total', 'Stories that came to their end.', 'end'),
    outboxDepth: gauge('taleback_outbox_depth', 'Final callbacks that wait.', 'sending'),
    outboxOldestAge: gauge(
      'taleback_outbox_oldest_age_seconds',
      'Age of the oldest final callback that waits; 0 when none does.',
      'sending',
    ),
    callbacks: counter('taleback_callbacks_total', 'Final callbacks that came to their end.', 'end'),
    outboxSetAside: counter('taleback_outbox_set_aside_total', 'Files that were moved to set-aside.'),
    outboxBypassed: counter(
      'taleback_outbox_bypassed_total',
      'Final callbacks sent directly, because the outbox could not be written.',
    ),
    cacheBytes: gauge('taleback_cache_bytes', 'Size of the speech that is kept.'),
    cacheRequests: counter(
      'taleback_cache_requests_total',
      'Pieces and narrations that were looked for in the cache.',
      'kind',
      'outcome',
    ),
    cacheLost: counter(
      'taleback_cache_lost_total',
      'Entries that went (evicted, expired, broken) and sounds that could not be kept (unkept).',
      'cause',
    ),
  };
  return { events, scraped };
};

/**
 * The metrics of one worker, in a registry of their own.
 *
 * @param options `withProcessMetrics`: processor time, memory, event loop lag and garbage collection of this process.
 *   Default true.
 */
export const createPrometheus = (options: { readonly withProcessMetrics?: boolean } = {}) => {
  const registry = new Registry();
  if (options.withProcessMetrics ?? true)
    collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 250 });
  const { events, scraped } = createMetrics(registry);
  const names = new Set<string>();
  const labelOf = (worker: string): string => {
    if (names.size < MAX_WORKER_LABELS) names.add(worker);
    return names.has(worker) ? worker : OTHER;
  };

  // Counters that are known to be 0 say so from the start, so that their first rise is seen.
  for (const priority of PRIORITIES) events.accepted.inc({ priority }, 0);
  for (const outcome of ['spoken', 'failed']) events.ended.inc({ outcome }, 0);
  for (const state of BREAKER_STATES) events.breakerChanges.inc({ to: breakerLabel(state) }, 0);
  for (const origin of ORIGINS) events.processFaults.inc({ origin }, 0);

  const recordEnd = (event: SynthesisEvent & { kind: 'ended' }): void => {
    const { outcome } = event;
    events.ended.inc({ outcome });
    events.synthesis.observe({ outcome }, toSeconds(event.latencyMs));
    if (event.outcome === 'spoken') {
      events.audio.inc(toSeconds(event.audioMs));
      events.characters.inc(event.characters);
      return;
    }
    const code = catalogued(event.code);
    events.failures.inc({ code, category: describeError(code).category });
  };

  const showPool = (pool: PoolSnapshot): void => {
    for (const priority of PRIORITIES) scraped.queueDepth.set({ priority }, pool.queued[priority]);
    scraped.inFlight.set({ mode: pool.mode }, pool.inFlight);
    for (const state of WORKER_STATES) {
      const count = pool.workers.filter((worker) => worker.state === state).length;
      scraped.workers.set({ state: state.toLowerCase() }, count);
    }
    for (const { id, healthScore, rssBytes, breaker } of pool.workers) {
      const worker = labelOf(id);
      scraped.workerHealth.set({ worker }, healthScore);
      if (rssBytes !== undefined) scraped.workerMemory.set({ worker }, rssBytes);
      for (const state of BREAKER_STATES)
        scraped.workerBreaker.set({ worker, state: breakerLabel(state) }, Number(state === breaker));
    }
  };

  /** While another process sends, only that one knows what waits. */
  const showOutbox = (outbox: OutboxStatus): void => {
    const sending = 'true';
    if (outbox.depth !== null) scraped.outboxDepth.set({ sending }, outbox.depth);
    if (outbox.sending) scraped.outboxOldestAge.set({ sending }, toSeconds(outbox.oldestAge ?? 0));
    for (const end of ['delivered', 'refused', 'expired'] as const)
      scraped.callbacks.inc({ end }, outbox[end]);
    scraped.outboxSetAside.inc(outbox.setAside);
    scraped.outboxBypassed.inc(outbox.sentWithout);
  };

  const showCache = (cache: CacheStatus | undefined): void => {
    scraped.cacheBytes.set(cache?.sizeBytes ?? 0);
    for (const kind of ['chunk', 'narration'] as const) {
      scraped.cacheRequests.inc({ kind, outcome: 'hit' }, cache?.hits[kind] ?? 0);
      scraped.cacheRequests.inc({ kind, outcome: 'miss' }, cache?.misses[kind] ?? 0);
    }
    scraped.cacheLost.inc({ cause: 'evicted' }, cache?.evictions ?? 0);
    for (const cause of ['expired', 'broken', 'unkept'] as const)
      scraped.cacheLost.inc({ cause }, cache?.[cause] ?? 0);
  };

  return {
    contentType: registry.contentType,
    /** Counts and times one event. */
    record: (event: SynthesisEvent): void => {
      switch (event.kind) {
        case 'accepted':
          return events.accepted.inc({ priority: event.priority });
        case 'refused':
          return events.refusals.inc({ code: catalogued(event.code) });
        case 'ended':
          return recordEnd(event);
        case 'dispatched':
          events.queueWait.observe(toSeconds(event.waitedMs));
          if (event.routingMs !== undefined) events.routing.observe(toSeconds(event.routingMs));
          return;
        case 'attempt-ended':
          return events.generation.observe({ outcome: event.outcome }, toSeconds(event.generationMs));
        case 'retried':
          return events.retries.inc({ code: catalogued(event.code) });
        case 'breaker-changed':
          return events.breakerChanges.inc({ to: breakerLabel(event.to) });
        case 'worker-changed':
          events.workerChanges.inc({ to: event.to.toLowerCase() });
          if (event.from === 'TERMINATED' && event.to === 'INITIALIZING')
            events.workerRestarts.inc({ worker: labelOf(event.workerId) });
          return;
        case 'process-fault':
          return events.processFaults.inc({ origin: event.origin });
        case 'breaker-rejected':
        case 'protection-changed':
          return;
        default:
          event satisfies never;
      }
    },
    /** The page that Prometheus scrapes. */
    text: (state: ScrapedState): Promise<string> => {
      const { pool, machine, protection, readiness, stories, streams = {}, outbox, cache } = state;
      for (const metric of Object.values(scraped)) metric.reset();
      if (pool !== undefined) showPool(pool);
      const usage = { cpu: machine.cpuRatio, memory: machine.memoryRatio };
      for (const [resource, ratio = Number.NaN] of Object.entries(usage))
        if (Number.isFinite(ratio)) scraped.machineUsage.set({ resource }, ratio);
      scraped.ready.set(Number(readiness.ready));
      for (const state of SERVICE_STATES) scraped.state.set({ state }, Number(state === readiness.state));
      scraped.protection.set(Number(protection.active));
      for (const [stream, health] of Object.entries(streams)) {
        scraped.streamOpen.set({ stream }, Number(health.open));
        scraped.streamFailures.inc({ stream }, health.failures);
      }
      for (const end of ['ready', 'failed'] as const) scraped.stories.inc({ end }, stories?.[end] ?? 0);
      if (outbox !== undefined) showOutbox(outbox);
      showCache(cache);
      return registry.metrics();
    },
  };
};

export type PrometheusMetrics = ReturnType<typeof createPrometheus>;
