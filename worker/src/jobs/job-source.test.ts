import { describe, expect, it } from 'vitest';
import type { PoolSnapshot, WorkerBreakerState, WorkerSnapshot, WorkerState } from '@taleback/speech';
import { type CapacityInput, readQueuedJob, storyCapacity } from './job-source.ts';

const worker = (state: WorkerState, breaker: WorkerBreakerState = 'CLOSED'): WorkerSnapshot => ({
  id: 'worker-1',
  state,
  inFlight: 0,
  jobsDone: 0,
  restarts: 0,
  consecutiveFailures: 0,
  successRate: 1,
  averageResponseMs: 0,
  healthScore: 100,
  breaker,
  sinceMs: 0,
});

const pool = (...workers: readonly WorkerSnapshot[]): PoolSnapshot => ({
  mode: 'pool',
  queueDepth: 0,
  queued: { high: 0, normal: 0, low: 0 },
  inFlight: 0,
  workers,
});

const running: CapacityInput = {
  phase: { kind: 'running' },
  protection: { active: false },
  pool: pool(worker('READY'), worker('BUSY'), worker('READY')),
};

describe('storyCapacity', () => {
  it.each<[string, CapacityInput, number]>([
    ['one for each process', running, 3],
    ['none while it starts', { ...running, phase: { kind: 'starting' } }, 0],
    ['none while it stops', { ...running, phase: { kind: 'stopping' } }, 0],
    ['none under protection', { ...running, protection: { active: true } }, 0],
    ['none without a pool', { ...running, pool: undefined }, 0],
    [
      'none for processes that cannot work',
      {
        ...running,
        pool: pool(
          worker('INITIALIZING'),
          worker('UNHEALTHY'),
          worker('TERMINATED'),
          worker('READY', 'OPEN'),
          worker('READY', 'ISOLATED'),
        ),
      },
      0,
    ],
    ['one for a process whose breaker tries', { ...running, pool: pool(worker('READY', 'HALF_OPEN')) }, 1],
  ])('%s', (_, input, capacity) => {
    expect(storyCapacity(input, 8)).toBe(capacity);
  });

  it('is never more than the configuration says', () => {
    expect(storyCapacity(running, 2)).toBe(2);
  });
});

describe('readQueuedJob', () => {
  const input = { text: 'Once.', voice_id: 'slt', priority: 'high', metadata: { user_id: 'u1' } };
  it.each([
    ['{"id":', undefined, {}],
    ['null', null, {}],
    ['{"id":"j"}', { id: 'j' }, {}],
    [JSON.stringify({ id: 'j', input }), { id: 'j', input }, { tenant: 'u1', priority: 'high' }],
  ])('%s', (text, event, turn) => {
    expect(readQueuedJob(Buffer.from(text))).toEqual({ event, turn });
  });
});
