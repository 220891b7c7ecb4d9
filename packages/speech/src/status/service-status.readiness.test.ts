import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aPool, aWorker } from '../../test/support/pool-fixtures.ts';
import { decideReadiness, type ReadinessInput } from './service-status.ts';

const decide = (change: Partial<ReadinessInput>) =>
  decideReadiness({ phase: { kind: 'running' }, protection: { active: false }, pool: aPool(), ...change });

const starting = (restarts: number) => aPool([aWorker({ state: 'INITIALIZING', restarts })]);

describe('decideReadiness', () => {
  it('is ready with workers that are well', () => {
    const pool = aPool([aWorker(), aWorker({ id: 'worker-2', state: 'BUSY' })]);
    expect(decide({ pool })).toEqual({ ready: true, state: 'ready', reasons: [] });
  });

  it.each([
    ['a worker that is being let go', aWorker({ id: 'worker-2', state: 'SHUTTING_DOWN' })],
    ['a worker that starts', aWorker({ id: 'worker-2', state: 'INITIALIZING' })],
    ['a worker that starts anew', aWorker({ id: 'worker-2', state: 'INITIALIZING', restarts: 3 })],
  ])('is ready beside %s', (_, other) => {
    expect(decide({ pool: aPool([aWorker(), other]) })).toEqual({ ready: true, state: 'ready', reasons: [] });
  });

  it('is ready without workers where there are none by design', () => {
    expect(decide({ pool: aPool([], { mode: 'in-process' }) })).toMatchObject({
      ready: true,
      state: 'ready',
    });
  });

  it.each([
    [aWorker({ state: 'UNHEALTHY' }), 'worker-1 is UNHEALTHY.'],
    [aWorker({ state: 'TERMINATED' }), 'worker-1 is TERMINATED.'],
    [aWorker({ breaker: 'OPEN' }), 'The circuit breaker of worker-1 is OPEN.'],
    [aWorker({ breaker: 'HALF_OPEN' }), 'The circuit breaker of worker-1 is HALF_OPEN.'],
    [aWorker({ breaker: 'ISOLATED' }), 'The circuit breaker of worker-1 is ISOLATED.'],
  ])('is degraded, and takes work, while another worker is well', (worker, reason) => {
    expect(decide({ pool: aPool([worker, aWorker({ id: 'worker-2' })]) })).toEqual({
      ready: true,
      state: 'degraded',
      reasons: [reason],
    });
  });

  it('says that it has fallen back to a single worker', () => {
    expect(decide({ pool: aPool([aWorker()], { mode: 'single' }) })).toEqual({
      ready: true,
      state: 'degraded',
      reasons: ['It has fallen back from a pool to single.'],
    });
  });

  it('takes no work when no worker can', () => {
    const pool = aPool([aWorker({ breaker: 'OPEN' }), aWorker({ id: 'worker-2', state: 'TERMINATED' })]);
    expect(decide({ pool })).toEqual({
      ready: false,
      state: 'degraded',
      reasons: [
        'No worker can take work.',
        'The circuit breaker of worker-1 is OPEN.',
        'worker-2 is TERMINATED.',
      ],
    });
    expect(decide({ pool: aPool([]) })).toMatchObject({ ready: false, state: 'degraded' });
  });

  it('is starting until the first worker is up, not again after a crash', () => {
    expect(decide({ pool: starting(0) })).toMatchObject({ ready: false, state: 'starting' });
    expect(decide({ pool: starting(1) })).toMatchObject({ ready: false, state: 'degraded' });
    expect(decide({ pool: undefined })).toMatchObject({ ready: false, state: 'starting' });
    expect(decide({ phase: { kind: 'starting' } })).toMatchObject({ ready: false, state: 'starting' });
  });

  it('is protected while protection refuses work, and says why', () => {
    const protection = { active: true, reason: 'memory at 97 %' };
    expect(decide({ protection })).toEqual({
      ready: false,
      state: 'protected',
      reasons: ['Protection is active: memory at 97 %'],
    });
  });

  it('is stopping before it is anything else', () => {
    const phase = { kind: 'stopping', sinceMs: 0 } as const;
    expect(decide({ phase, protection: { active: true } })).toMatchObject({
      ready: false,
      state: 'stopping',
    });
  });

  it('always says why when it is not ready, and never when all is well', () => {
    const anyWorker = fc.record({
      state: fc.constantFrom('INITIALIZING', 'READY', 'BUSY', 'UNHEALTHY', 'SHUTTING_DOWN', 'TERMINATED'),
      breaker: fc.constantFrom('CLOSED', 'OPEN', 'HALF_OPEN', 'ISOLATED'),
      restarts: fc.nat(2),
    });
    fc.assert(
      fc.property(fc.array(anyWorker), fc.boolean(), (workers, active) => {
        const told = decide({
          pool: aPool(workers.map((worker) => aWorker(worker))),
          protection: { active },
        });
        expect(told.reasons.length === 0).toBe(told.state === 'ready');
        expect(told.ready).toBe(told.state === 'ready' || (told.state === 'degraded' && told.ready));
      }),
    );
  });
});
