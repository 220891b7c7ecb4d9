import type { ErrorCode } from '@taleback/core';

/** @see docs/origins.md#worker-states */
export type WorkerState = 'INITIALIZING' | 'READY' | 'BUSY' | 'UNHEALTHY' | 'SHUTTING_DOWN' | 'TERMINATED';

/** ISOLATED: opened by hand. */
export type WorkerBreakerState = 'CLOSED' | 'OPEN' | 'HALF_OPEN' | 'ISOLATED';

/** Several worker processes, one, a thread of this process, or a service across a network. */
export type PoolMode = 'pool' | 'single' | 'in-process' | 'remote';

/** The state of one worker. Times are epoch milliseconds. */
export interface WorkerSnapshot {
  /** The name of the slot, such as `worker-1`; a restarted worker keeps it. */
  readonly id: string;
  readonly state: WorkerState;
  readonly pid?: number | undefined;
  /** Negotiated version of the line protocol, such as `2.1.0`. */
  readonly protocol?: string | undefined;
  readonly model?: string | undefined;
  /** Requests in progress. */
  readonly inFlight: number;
  /** Requests that it ended, spoken or failed. */
  readonly jobsDone: number;
  /** How often the process of this slot was started again. */
  readonly restarts: number;
  readonly consecutiveFailures: number;
  /** 0..1, of its recent requests. */
  readonly successRate: number;
  readonly averageResponseMs: number;
  /** 0..100. @see docs/origins.md#health-score */
  readonly healthScore: number;
  /** Resident memory of its process, bytes. */
  readonly rssBytes?: number | undefined;
  readonly breaker: WorkerBreakerState;
  /** When an open breaker admits a trial. */
  readonly retryAtMs?: number | undefined;
  /** What the last probe of a remote service found wrong. */
  readonly fault?: { readonly code: ErrorCode; readonly message: string } | undefined;
  /** When it entered its state. */
  readonly sinceMs: number;
}

/** The state of a queue and its workers. */
export interface PoolSnapshot {
  readonly mode: PoolMode;
  /** Waiting requests of every priority. */
  readonly queueDepth: number;
  readonly queued: { readonly high: number; readonly normal: number; readonly low: number };
  /** Requests in progress. */
  readonly inFlight: number;
  readonly workers: readonly WorkerSnapshot[];
}

/** From best to worst: a breaker that an operator isolated does not recover automatically. */
const BREAKER_STATES: readonly WorkerBreakerState[] = ['CLOSED', 'HALF_OPEN', 'OPEN', 'ISOLATED'];

/** The worst of some breakers; undefined for none. */
export const worstBreaker = (states: readonly WorkerBreakerState[]): WorkerBreakerState | undefined =>
  BREAKER_STATES.findLast((state) => states.includes(state));

/** The queues and workers of several engines as one; undefined for none. */
export const combinePools = (pools: readonly PoolSnapshot[]): PoolSnapshot | undefined => {
  const [first, ...others] = pools;
  if (first === undefined || others.length === 0) return first;
  const sum = (numberOf: (pool: PoolSnapshot) => number): number =>
    pools.reduce((total, pool) => total + numberOf(pool), 0);
  return {
    mode: pools.find(({ mode }) => mode !== 'remote')?.mode ?? 'remote',
    queueDepth: sum(({ queueDepth }) => queueDepth),
    queued: {
      high: sum(({ queued }) => queued.high),
      normal: sum(({ queued }) => queued.normal),
      low: sum(({ queued }) => queued.low),
    },
    inFlight: sum(({ inFlight }) => inFlight),
    workers: pools.flatMap(({ workers }) => workers),
  };
};
