import type { PoolSnapshot, WorkerSnapshot } from '../../src/pool/speech-line.ts';

/** A worker that is well, for tests. */
export const aWorker = (change: Partial<WorkerSnapshot> = {}): WorkerSnapshot => ({
  id: 'worker-1',
  state: 'READY',
  inFlight: 0,
  jobsDone: 10,
  restarts: 0,
  consecutiveFailures: 0,
  successRate: 1,
  averageResponseMs: 120,
  healthScore: 100,
  breaker: 'CLOSED',
  sinceMs: 0,
  ...change,
});

/** A pool of these workers with an empty queue, for tests. */
export const aPool = (
  workers: readonly WorkerSnapshot[] = [aWorker()],
  change: Partial<PoolSnapshot> = {},
): PoolSnapshot => ({
  mode: 'pool',
  queueDepth: 0,
  queued: { high: 0, normal: 0, low: 0 },
  inFlight: 0,
  workers,
  ...change,
});
