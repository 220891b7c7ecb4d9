import { describeError, type ErrorCode, TalebackError } from '@taleback/core';
import type { SpeechProfile, Voice } from '../engines/engine.ts';
import {
  type LastFailure,
  type PoolSnapshot,
  type WorkerBreakerState,
  type WorkerSnapshot,
  worstBreaker,
} from '../pool/speech-line.ts';
import type { StatisticsSummary } from './statistics.ts';

export type ServicePhase =
  | { readonly kind: 'starting' }
  | { readonly kind: 'running' }
  /** A stop signal or a fatal fault came; current work is finished. */
  | { readonly kind: 'stopping'; readonly sinceMs: number };

/** Whether protection is active, and why, for operators. */
export interface ProtectionSummary {
  readonly active: boolean;
  readonly reason?: string;
}

/**
 * starting: cannot take work yet · ready: all is well · degraded: part of it is not well, see the reasons ·
 * protected: takes nothing, to keep the machine alive · stopping: finishes current work.
 */
export type ServiceState = 'starting' | 'ready' | 'degraded' | 'protected' | 'stopping';

export interface Readiness {
  /** True when it can take work: `ready`, and `degraded` with at least one able worker. */
  readonly ready: boolean;
  readonly state: ServiceState;
  /** Why it is not simply ready, a sentence each; empty when it is. */
  readonly reasons: readonly string[];
}

const isActive = ({ state }: WorkerSnapshot): boolean => state === 'READY' || state === 'BUSY';

/** Whether a worker can be given work: all of it, or one trial. */
const isAble = (worker: WorkerSnapshot): boolean =>
  isActive(worker) && (worker.breaker === 'CLOSED' || worker.breaker === 'HALF_OPEN');

/** What is wrong with a worker. Starting and leaving are normal. */
const troublesOf = ({ id, state, breaker }: WorkerSnapshot): string[] => [
  ...(state === 'UNHEALTHY' || state === 'TERMINATED' ? [`${id} is ${state}.`] : []),
  ...(breaker === 'CLOSED' ? [] : [`The circuit breaker of ${id} is ${breaker}.`]),
];

const decideByWorkers = ({ mode, workers }: PoolSnapshot): Readiness => {
  // A service without workers by design is well in-process; one that had them has lost them.
  const hasFallenBack = mode !== 'pool' && mode !== 'remote' && workers.length > 0;
  const troubles = [
    ...(hasFallenBack ? [`It has fallen back from a pool to ${mode}.`] : []),
    ...workers.flatMap(troublesOf),
  ];
  if ((mode === 'in-process' && workers.length === 0) || workers.some(isAble)) {
    return { ready: true, state: troubles.length === 0 ? 'ready' : 'degraded', reasons: troubles };
  }
  const isStarting =
    workers.length > 0 && workers.every(({ state, restarts }) => state === 'INITIALIZING' && restarts === 0);
  return {
    ready: false,
    state: isStarting ? 'starting' : 'degraded',
    reasons: ['No worker can take work.', ...troubles],
  };
};

export interface ReadinessInput {
  readonly phase: ServicePhase;
  readonly protection: ProtectionSummary;
  /** Absent before the start. */
  readonly pool?: PoolSnapshot | undefined;
  /** A sentence for each engine that did not start: it has no workers that could be at fault. */
  readonly startFaults?: readonly string[] | undefined;
}

/**
 * Decides whether work may be sent here, and why not.
 *
 * @example
 * decideReadiness({ phase: { kind: 'stopping', sinceMs: 0 }, protection: { active: false } }).state; // stopping
 */
export const decideReadiness = (input: ReadinessInput): Readiness => {
  const { phase, protection, pool, startFaults = [] } = input;
  if (phase.kind === 'stopping') return { ready: false, state: 'stopping', reasons: ['It is stopping.'] };
  if (phase.kind === 'starting' || pool === undefined) {
    return { ready: false, state: 'starting', reasons: ['It is starting.'] };
  }
  if (protection.active) {
    const why = protection.reason === undefined ? '' : `: ${protection.reason}`;
    return { ready: false, state: 'protected', reasons: [`Protection is active${why}`] };
  }
  const readiness = decideByWorkers(pool);
  if (!readiness.ready || startFaults.length === 0) return readiness;
  return { ready: true, state: 'degraded', reasons: [...readiness.reasons, ...startFaults] };
};

/** The state of one engine, for pages and operators. */
export interface EngineStatus {
  readonly name: string;
  /** ready: speaks · degraded: speaks, but not all of it is well · unavailable: does not speak now. */
  readonly state: 'ready' | 'degraded' | 'unavailable';
  /** Why it is not simply ready, in a sentence that people read. */
  readonly reason?: string | undefined;
  readonly errorCode?: ErrorCode | undefined;
  readonly languages: readonly string[];
  readonly voices: readonly Voice[];
  readonly clonesVoices?: boolean | undefined;
  /** The worst of its circuit breakers. */
  readonly breaker?: WorkerBreakerState | undefined;
  /** When an open breaker admits a trial, epoch milliseconds. */
  readonly retryAtMs?: number | undefined;
  /** The most that one of its breakers counted in a row. */
  readonly consecutiveFailures?: number | undefined;
  /** The latest of its breakers' since the start or a reset. */
  readonly lastFailure?: LastFailure | undefined;
  readonly lastSuccessAtMs?: number | undefined;
}

const greatest = (numbers: readonly number[]): number | undefined =>
  numbers.length === 0 ? undefined : Math.max(...numbers);

/**
 * @param pool absent until it has started
 * @param startFault why it did not start
 */
export const describeEngine = (
  { name, languages, voices, clonesVoices = false }: Omit<SpeechProfile, 'prepareText'>,
  pool: PoolSnapshot | undefined,
  startFault: TalebackError | undefined,
): EngineStatus => {
  const workers = pool?.workers ?? [];
  const fault = startFault ?? workers.find((worker) => worker.fault !== undefined)?.fault;
  const running = { phase: { kind: 'running' }, protection: { active: false }, pool } as const;
  const { ready, reasons } = decideReadiness(running);
  const isReady = ready && startFault === undefined;
  const retries = workers.flatMap(({ retryAtMs }) => (retryAtMs === undefined ? [] : [retryAtMs]));
  const breaker = worstBreaker(workers);
  // A pool may start a fresh process beside an open breaker; a remote service has no other.
  const isShutOff = pool?.mode === 'remote' && breaker === 'OPEN' && !isReady;
  return {
    name,
    state: !isReady ? 'unavailable' : reasons.length > 0 ? 'degraded' : 'ready',
    reason: fault?.message ?? (reasons.length > 0 ? reasons.join(' ') : undefined),
    errorCode: fault?.code ?? (isShutOff ? 'circuit_open' : undefined),
    languages,
    voices: voices(),
    clonesVoices,
    breaker,
    retryAtMs: retries.length > 0 && !isReady ? Math.min(...retries) : undefined,
    consecutiveFailures: greatest(workers.map(({ consecutiveFailures }) => consecutiveFailures)),
    lastFailure: workers
      .flatMap(({ lastFailure }) => lastFailure ?? [])
      .toSorted((a, b) => a.atMs - b.atMs)
      .at(-1),
    lastSuccessAtMs: greatest(workers.flatMap(({ lastSuccessAtMs }) => lastSuccessAtMs ?? [])),
  };
};

/**
 * What an engine does not recover from within a story. Anything else that a probe found may have been a restart or chance:
 * the engine is tried, and its breaker opens if need be, before another voice reads the story.
 */
const UNFIT: ReadonlySet<ErrorCode> = new Set([
  'circuit_open',
  'credentials_invalid',
  'model_loading_failed',
  'model_unavailable',
  'tls_failed',
]);

/**
 * Refuses an engine that is known to be unable to speak, before a second is spent on it: its model is not loaded, its key not
 * accepted, its breaker open.
 *
 * @throws TalebackError what was last found wrong with it
 * @see docs/origins.md#error-scenarios
 */
export const requireFit = (
  { name, state, errorCode, reason, retryAtMs }: EngineStatus,
  nowMs = Date.now(),
): void => {
  if (state !== 'unavailable' || errorCode === undefined || !UNFIT.has(errorCode)) return;
  throw new TalebackError(errorCode, describeError(errorCode).sentence, {
    details: `${name}: ${reason ?? errorCode}`,
    ...(retryAtMs === undefined ? {} : { retryAfterMs: Math.max(0, retryAtMs - nowMs) }),
  });
};

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

/**
 * Everything that is known, and null for the rest. @see docs/origins.md#metrics, docs/origins.md#pool-metrics
 *
 * @example
 * // Not run: its input is what a running service knows.
 * describeStatus({ ...input, nowMs: Date.now() }).queueDepth;
 */
export const describeStatus = (input: StatusInput) => {
  const { summary, pool, protection, machine, engines, nowMs } = input;
  const workers = pool?.workers ?? [];
  return {
    ...decideReadiness(input),
    ...summary,
    mode: pool?.mode ?? null,
    protection,
    /** Requests that wait. */
    queueDepth: pool?.queueDepth ?? null,
    queued: pool?.queued ?? null,
    inFlight: pool?.inFlight ?? null,
    circuitBreakerState: worstBreaker(workers) ?? null,
    /** Health score of each worker, 0..100, in the order of `workers`. */
    workerHealth: workers.map(({ healthScore }) => healthScore),
    /** Workers that are READY or BUSY. */
    activeWorkers: pool === undefined ? null : workers.filter(isActive).length,
    /** Used part of the memory of the machine or its container, 0..1. */
    memoryUsage: machine.memoryRatio ?? null,
    /** Used part of the processor time of the machine or its container, 0..1. */
    cpuUsage: machine.cpuRatio ?? null,
    /** What rests on no request yet is null. */
    workers: workers.map((worker) => ({
      ...worker,
      successRate: worker.jobsDone === 0 ? null : worker.successRate,
      averageResponseMs: worker.jobsDone === 0 ? null : worker.averageResponseMs,
    })),
    /** ISO 8601. */
    at: new Date(nowMs).toISOString(),
    /** In the order of preference. */
    engines,
  };
};
