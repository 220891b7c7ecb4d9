import { admitsWork } from './breaker-states.ts';
import type { PoolSnapshot, WorkerSnapshot } from './synthesis-event.ts';

/** Where the worker process is in its life. */
export type ServicePhase =
  | { readonly kind: 'starting' }
  | { readonly kind: 'running' }
  /** A stop signal came, or a fault that it cannot live with; what is under way is finished. */
  | { readonly kind: 'stopping'; readonly sinceMs: number };

/** Protection as it is told to people. */
export interface ProtectionWords {
  readonly active: boolean;
  /** Why, for operators. */
  readonly reason?: string;
}

/**
 * starting: cannot take work yet · ready: all is well · degraded: part of it is not well, see the reasons ·
 * protected: takes nothing, to keep the machine alive · stopping: finishes what it has.
 */
export type ServiceState = 'starting' | 'ready' | 'degraded' | 'protected' | 'stopping';

export interface Readiness {
  /** True when it can take work: `ready`, and `degraded` with at least one worker that can. */
  readonly ready: boolean;
  readonly state: ServiceState;
  /** Why it is not simply ready, a sentence each; empty when it is. */
  readonly reasons: readonly string[];
}

const isAble = (worker: WorkerSnapshot): boolean =>
  (worker.state === 'READY' || worker.state === 'BUSY') && admitsWork(worker.breaker);

const isFirstStart = (worker: WorkerSnapshot): boolean =>
  worker.state === 'INITIALIZING' && worker.restarts === 0;

/** What is not well with a worker. One that starts or is being let go is well. */
const troublesOf = ({ id, state, breaker }: WorkerSnapshot): string[] => [
  ...(state === 'UNHEALTHY' || state === 'TERMINATED' ? [`${id} is ${state}.`] : []),
  ...(breaker === 'CLOSED' ? [] : [`The circuit breaker of ${id} is ${breaker}.`]),
];

/** A manager that has no workers by design is well in-process; one that had them has lost them. */
const fallBackOf = ({ mode, workers }: PoolSnapshot): string[] =>
  mode === 'pool' || mode === 'remote' || workers.length === 0
    ? []
    : [`It has fallen back from a pool to ${mode}.`];

const decideByWorkers = (pool: PoolSnapshot): Readiness => {
  const { mode, workers } = pool;
  const troubles = [...fallBackOf(pool), ...workers.flatMap(troublesOf)];
  const speaksByItself = mode === 'in-process' && workers.length === 0;
  if (speaksByItself || workers.some(isAble)) {
    return { ready: true, state: troubles.length === 0 ? 'ready' : 'degraded', reasons: troubles };
  }
  const isStarting = workers.length > 0 && workers.every(isFirstStart);
  return {
    ready: false,
    state: isStarting ? 'starting' : 'degraded',
    reasons: ['No worker can take work.', ...troubles],
  };
};

export interface ReadinessInput {
  readonly phase: ServicePhase;
  readonly protection: ProtectionWords;
  /** Absent until there is a manager. */
  readonly pool?: PoolSnapshot | undefined;
}

/** Decides whether work may be sent here, and says why not. */
export const decideReadiness = ({ phase, protection, pool }: ReadinessInput): Readiness => {
  if (phase.kind === 'stopping') return { ready: false, state: 'stopping', reasons: ['It is stopping.'] };
  if (phase.kind === 'starting' || pool === undefined) {
    return { ready: false, state: 'starting', reasons: ['It is starting.'] };
  }
  if (protection.active) {
    const why = protection.reason === undefined ? '' : `: ${protection.reason}`;
    return { ready: false, state: 'protected', reasons: [`Protection is active${why}`] };
  }
  return decideByWorkers(pool);
};
