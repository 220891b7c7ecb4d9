import type { PoolMode, PoolSnapshot, SynthesisEvent } from '../status/index.ts';

/** One engine's queue and workers. */
export interface EnginePool {
  readonly engine: string;
  readonly pool: PoolSnapshot;
}

/** A worker's name among those of several engines; a service elsewhere is called as its engine is. */
export const workerNameOf = (engine: string, workerId: string): string =>
  workerId === engine ? engine : `${engine}/${workerId}`;

/** The event with the name that its worker has among those of several engines. */
export const renamed = (engine: string, event: SynthesisEvent): SynthesisEvent =>
  'workerId' in event ? { ...event, workerId: workerNameOf(engine, event.workerId) } : event;

const mode = (pools: readonly EnginePool[]): PoolMode =>
  pools.map(({ pool }) => pool.mode).find((each) => each !== 'remote') ?? 'remote';

/** The queues and workers of all engines as one. Undefined for none. */
export const mergePools = (pools: readonly EnginePool[]): PoolSnapshot | undefined => {
  const [first, ...others] = pools;
  if (first === undefined || others.length === 0) return first?.pool;
  const sum = (of: (pool: PoolSnapshot) => number): number =>
    pools.reduce((total, { pool }) => total + of(pool), 0);
  return {
    mode: mode(pools),
    queueDepth: sum(({ queueDepth }) => queueDepth),
    queued: {
      high: sum(({ queued }) => queued.high),
      normal: sum(({ queued }) => queued.normal),
      low: sum(({ queued }) => queued.low),
    },
    inFlight: sum(({ inFlight }) => inFlight),
    workers: pools.flatMap(({ engine, pool }) =>
      pool.workers.map((worker) => ({ ...worker, id: workerNameOf(engine, worker.id) })),
    ),
  };
};
