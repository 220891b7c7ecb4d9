import { describeError, type ErrorCode, TalebackError } from '@taleback/core';
import type { SpeechProfile, Voice } from '../engines/engine.ts';
import { type PoolSnapshot, type WorkerBreakerState, worstBreaker } from '../pool/pool-snapshot.ts';
import { decideReadiness } from './readiness.ts';

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
