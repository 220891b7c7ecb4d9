import {
  type PoolSnapshot,
  type WorkerSnapshot,
  type WorkerBreakerState,
  worstBreaker,
} from '../pool/speech-line.ts';
import { describeError, type ErrorCode, TalebackError } from '@taleback/core';
import type { SpeechProfile, Voice } from '../engines/engine.ts';

/** Where the service is in its life. */
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

/** Whether a worker can be given work: all of it, or one trial. */
const isAble = ({ state, breaker }: WorkerSnapshot): boolean =>
  (state === 'READY' || state === 'BUSY') && (breaker === 'CLOSED' || breaker === 'HALF_OPEN');

const isFirstStart = ({ state, restarts }: WorkerSnapshot): boolean =>
  state === 'INITIALIZING' && restarts === 0;

/** What is wrong with a worker. Starting and leaving are normal. */
const troublesOf = ({ id, state, breaker }: WorkerSnapshot): string[] => [
  ...(state === 'UNHEALTHY' || state === 'TERMINATED' ? [`${id} is ${state}.`] : []),
  ...(breaker === 'CLOSED' ? [] : [`The circuit breaker of ${id} is ${breaker}.`]),
];

/** A service without workers by design is well in-process; one that had them has lost them. */
const fallBackOf = ({ mode, workers }: PoolSnapshot): string[] =>
  mode === 'pool' || mode === 'remote' || workers.length === 0
    ? []
    : [`It has fallen back from a pool to ${mode}.`];

const decideByWorkers = (pool: PoolSnapshot): Readiness => {
  const { mode, workers } = pool;
  const troubles = [...fallBackOf(pool), ...workers.flatMap(troublesOf)];
  if ((mode === 'in-process' && workers.length === 0) || workers.some(isAble)) {
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
  readonly protection: ProtectionSummary;
  /** Absent before the start. */
  readonly pool?: PoolSnapshot | undefined;
  /** Engines that did not start, and why: they have no workers that could be at fault. */
  readonly startFaults?: ReadonlyMap<string, { readonly message: string }> | undefined;
}

/**
 * Decides whether work may be sent here, and why not.
 *
 * @example
 * decideReadiness({ phase: { kind: 'stopping', sinceMs: 0 }, protection: { active: false } }).state; // stopping
 */
export const decideReadiness = ({ phase, protection, pool, startFaults }: ReadinessInput): Readiness => {
  if (phase.kind === 'stopping') return { ready: false, state: 'stopping', reasons: ['It is stopping.'] };
  if (phase.kind === 'starting' || pool === undefined) {
    return { ready: false, state: 'starting', reasons: ['It is starting.'] };
  }
  if (protection.active) {
    const why = protection.reason === undefined ? '' : `: ${protection.reason}`;
    return { ready: false, state: 'protected', reasons: [`Protection is active${why}`] };
  }
  const readiness = decideByWorkers(pool);
  const faults = [...(startFaults ?? [])].map(([name, { message }]) => `${name} did not start: ${message}`);
  if (!readiness.ready || faults.length === 0) return readiness;
  return { ready: true, state: 'degraded', reasons: [...readiness.reasons, ...faults] };
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
}

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
  const breaker = worstBreaker(workers.map((worker) => worker.breaker));
  return {
    name,
    state: !isReady ? 'unavailable' : reasons.length > 0 ? 'degraded' : 'ready',
    reason: fault?.message ?? (reasons.length > 0 ? reasons.join(' ') : undefined),
    // A pool may start a fresh process beside an open breaker; a remote service has no other.
    errorCode:
      fault?.code ?? (pool?.mode === 'remote' && breaker === 'OPEN' && !isReady ? 'circuit_open' : undefined),
    languages,
    voices: voices(),
    clonesVoices,
    breaker,
    retryAtMs: retries.length > 0 && !isReady ? Math.min(...retries) : undefined,
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
