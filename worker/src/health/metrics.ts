import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Around the goals of P50 150 ms, P95 300 ms and P99 500 ms, up to the time-out of 60 s. @see docs/origins.md#latency-goals */
const LATENCY_SECONDS = [0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 10, 30, 60, 120];

/** Around the goal of 100 ms. @see docs/origins.md#latency-goals */
const ROUTING_SECONDS = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 1];

/** Every metric of a worker, in base units. A gauge that may be unknown has a label, so that it can be absent. */
export const createMetrics = (registry: Registry) => {
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

  return {
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
    queueDepth: gauge('taleback_queue_depth', 'Requests that wait.', 'priority'),
    inFlight: gauge('taleback_in_flight', 'Requests that workers process.', 'mode'),
    workers: gauge('taleback_workers', 'Workers by state.', 'state'),
    workerHealth: gauge('taleback_worker_health_score', 'Health score of a worker, 0 to 100.', 'worker'),
    workerMemory: gauge('taleback_worker_resident_memory_bytes', 'Resident memory of a worker.', 'worker'),
    workerBreaker: gauge('taleback_worker_breaker', '1 for the state of a breaker.', 'worker', 'state'),
    machineUsage: gauge('taleback_machine_usage_ratio', 'Resources in use, 0 to 1.', 'resource'),
    protection: gauge('taleback_protection_active', '1 while protection refuses work.'),
    ready: gauge('taleback_ready', '1 while it can take work.'),
    state: gauge('taleback_state', '1 for the state of the service.', 'state'),
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
};

export type Metrics = ReturnType<typeof createMetrics>;
