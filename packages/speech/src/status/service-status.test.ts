import { createFakeClock } from '@taleback/resilience/testing';
import { describe, expect, it } from 'vitest';
import { describeStatus, type StatusInput } from './service-status.ts';
import { aPool, aWorker } from '../../test/support/pool-fixtures.ts';
import type { SynthesisEvent } from '../pool/speech-line.ts';
import { SynthesisStatistics } from './statistics.ts';

const START_MS = Date.parse('2025-03-01T12:00:00.000Z');

const EVENTS: readonly SynthesisEvent[] = [
  { kind: 'accepted', priority: 'high' },
  { kind: 'accepted', priority: 'normal' },
  { kind: 'accepted', priority: 'normal' },
  { kind: 'accepted', priority: 'low' },
  { kind: 'refused', code: 'system_protection' },
  { kind: 'dispatched', workerId: 'worker-1', waitedMs: 8, routingMs: 0.25 },
  { kind: 'attempt-ended', workerId: 'worker-1', generationMs: 90, outcome: 'spoken' },
  { kind: 'ended', outcome: 'spoken', latencyMs: 100, audioMs: 4_000, characters: 60 },
  { kind: 'ended', outcome: 'spoken', latencyMs: 200, audioMs: 4_000, characters: 60 },
  { kind: 'ended', outcome: 'spoken', latencyMs: 600, audioMs: 4_000, characters: 60 },
  { kind: 'retried', engine: 'flite', code: 'worker_lost', attempt: 2 },
  { kind: 'ended', outcome: 'failed', latencyMs: 900, code: 'worker_lost' },
  {
    kind: 'breaker-changed',
    workerId: 'worker-2',
    from: 'closed',
    to: 'open',
    cause: 'too-many-failures',
    consecutiveFailures: 5,
  },
  { kind: 'worker-changed', workerId: 'worker-2', from: 'TERMINATED', to: 'INITIALIZING' },
];

const status = (events: readonly SynthesisEvent[], change: Partial<StatusInput> = {}) => {
  const clock = createFakeClock(START_MS);
  const statistics = new SynthesisStatistics(clock);
  for (const event of events) statistics.record(event);
  clock.advance(2_000);
  return describeStatus({
    phase: { kind: 'running' },
    protection: { active: false },
    summary: statistics.summary(),
    machine: { cpuRatio: 0.42, memoryRatio: 0.61 },
    pool: aPool(
      [
        aWorker({ healthScore: 98, state: 'BUSY' }),
        aWorker({ id: 'worker-2', healthScore: 40, breaker: 'OPEN' }),
        aWorker({ id: 'worker-3', state: 'TERMINATED', healthScore: 0 }),
      ],
      { queueDepth: 6, queued: { high: 1, normal: 3, low: 2 }, inFlight: 1 },
    ),
    engines: [],
    nowMs: clock.now(),
    ...change,
  });
};

describe('the figures that the seeds ask for', () => {
  const told = status(EVENTS);
  it.each([
    ['seed 004: averageLatency', told.averageLatency, 300],
    ['seed 004: requestsPerSecond', told.requestsPerSecond, 2.5],
    ['seed 004: queueDepth', told.queueDepth, 6],
    ['seed 004: successRate', told.successRate, 0.75],
    ['seed 004: circuitBreakerState, the worst of the workers', told.circuitBreakerState, 'OPEN'],
    ['seed 004: workerHealth', told.workerHealth, [98, 40, 0]],
    ['seed 004: memoryUsage', told.memoryUsage, 0.61],
    ['seed 004: cpuUsage', told.cpuUsage, 0.42],
    ['seed 004: activeWorkers', told.activeWorkers, 2],
    ['seed 004: latency goals P50, P95, P99', told.latencyPercentiles, { p50: 200, p95: 600, p99: 600 }],
    ['seed 000: TTS request success rate', told.successRate, 0.75],
    ['seed 000: average TTS generation time', told.averageGenerationTime, 90],
    ['seed 000: circuit breaker state changes', told.circuitBreakerStateChanges, 1],
    ['seed 000: queue length', told.queueDepth, 6],
    ['seed 000: retry attempts', told.retryAttempts, 1],
    ['seed 000: error rates by type', told.errorRates, { internal: 0.25 }],
    ['seed 000: errors by type', told.errorsByType, { worker_lost: 1 }],
  ])('%s', (_, figure, expected) => {
    expect(figure).toEqual(expected);
  });

  it('reports the rest of the status', () => {
    expect(told).toMatchObject({
      state: 'degraded',
      ready: true,
      mode: 'pool',
      requests: { accepted: 4, spoken: 3, failed: 1, refused: 1 },
      refusalsByType: { system_protection: 1 },
      audioSpoken: 12_000,
      averageQueueWait: 8,
      averageRoutingTime: 0.25,
      queued: { high: 1, normal: 3, low: 2 },
      inFlight: 1,
      workerRestarts: 1,
      startedAt: '2025-03-01T12:00:00.000Z',
      at: '2025-03-01T12:00:02.000Z',
    });
    expect(told.workers.map(({ id }) => id)).toEqual(['worker-1', 'worker-2', 'worker-3']);
  });
});

describe('what is not known', () => {
  it('is null, and the answer is the same after a journey as JSON', () => {
    const told = status([], { pool: undefined, machine: {}, phase: { kind: 'starting' } });
    expect(told).toMatchObject({
      state: 'starting',
      ready: false,
      mode: null,
      averageLatency: null,
      queueDepth: null,
      successRate: null,
      circuitBreakerState: null,
      workerHealth: [],
      memoryUsage: null,
      cpuUsage: null,
      activeWorkers: null,
      latencyPercentiles: { p50: null, p95: null, p99: null },
      averageGenerationTime: null,
      errorRates: null,
      averageQueueWait: null,
      averageRoutingTime: null,
      queued: null,
      inFlight: null,
      workers: [],
    });
    expect(JSON.parse(JSON.stringify(told))).toEqual(told);
  });

  it('a rate over two idle seconds is known: it is 0', () => {
    expect(status([]).requestsPerSecond).toBe(0);
  });

  it('a worker that has ended no request has no success rate and no response time', () => {
    const pool = aPool([aWorker({ jobsDone: 0, successRate: 1, averageResponseMs: 0 }), aWorker()]);
    expect(status([], { pool }).workers).toMatchObject([
      { successRate: null, averageResponseMs: null },
      { successRate: 1, averageResponseMs: 120 },
    ]);
  });
});
