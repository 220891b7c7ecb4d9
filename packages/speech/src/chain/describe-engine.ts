import type { TalebackError } from '@taleback/core';
import type { SpeechEngine } from '../engines/index.ts';
import { decideReadiness, type EnginePicture, type PoolSnapshot, worstBreaker } from '../status/index.ts';

const RUNNING = { phase: { kind: 'running' }, protection: { active: false } } as const;

/**
 * How an engine stands.
 *
 * @param pool absent until it has started
 * @param startFault why it did not start
 */
export const describeEngine = (
  { name, languages, voices, clonesVoices = false }: SpeechEngine,
  pool: PoolSnapshot | undefined,
  startFault: TalebackError | undefined,
): EnginePicture => {
  const workers = pool?.workers ?? [];
  const fault = startFault ?? workers.find((worker) => worker.fault !== undefined)?.fault;
  const { ready, reasons } = decideReadiness({ ...RUNNING, pool });
  const isReady = ready && startFault === undefined;
  const retries = workers.flatMap(({ retryAtMs }) => (retryAtMs === undefined ? [] : [retryAtMs]));
  const breaker = worstBreaker(workers.map((worker) => worker.breaker));
  return {
    name,
    state: !isReady ? 'unavailable' : reasons.length > 0 ? 'degraded' : 'ready',
    reason: fault?.message ?? (reasons.length > 0 ? reasons.join(' ') : undefined),
    // A pool may start a fresh process beside those that are left alone; a service elsewhere has no other.
    errorCode:
      fault?.code ?? (pool?.mode === 'remote' && breaker === 'OPEN' && !isReady ? 'circuit_open' : undefined),
    languages,
    voices: voices(),
    clonesVoices,
    breaker,
    retryAtMs: retries.length > 0 && !isReady ? Math.min(...retries) : undefined,
  };
};
