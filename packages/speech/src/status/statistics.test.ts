import { createFakeClock, type FakeClock } from '@taleback/resilience/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import type { SynthesisEvent } from '../pool/speech-line.ts';
import { SynthesisStatistics } from './statistics.ts';

const START_MS = 1_700_000_000_000;

let clock: FakeClock;
let statistics: SynthesisStatistics;
beforeEach(() => {
  clock = createFakeClock(START_MS);
  statistics = new SynthesisStatistics(clock);
});

const spoken = (latencyMs: number): SynthesisEvent => ({
  kind: 'ended',
  outcome: 'spoken',
  latencyMs,
  audioMs: 2_000,
  characters: 30,
});
const failed = (code: 'timed_out' | 'worker_lost' | 'text_empty', latencyMs = 9_000): SynthesisEvent => ({
  kind: 'ended',
  outcome: 'failed',
  latencyMs,
  code,
});
const record = (...events: SynthesisEvent[]): void => {
  for (const event of events) statistics.record(event);
};

describe('before anything happened', () => {
  it('a figure that is not known is null, not 0', () => {
    expect(statistics.summary()).toEqual({
      averageLatency: null,
      latencyPercentiles: { p50: null, p95: null, p99: null },
      requestsPerSecond: null,
      recentRequests: 0,
      successRate: null,
      errorRates: null,
      averageGenerationTime: null,
      averageQueueWait: null,
      averageRoutingTime: null,
      requests: { accepted: 0, spoken: 0, failed: 0, refused: 0 },
      errorsByType: {},
      errorsByCategory: {},
      refusalsByType: {},
      circuitBreakerStateChanges: 0,
      retryAttempts: 0,
      audioSpoken: 0,
      workerRestarts: 0,
      processFaults: 0,
      startedAt: new Date(START_MS).toISOString(),
    });
  });
});

describe('latency', () => {
  it('averageLatency and P50, P95, P99 are those of spoken requests', () => {
    for (let latencyMs = 1; latencyMs <= 100; latencyMs += 1) record(spoken(latencyMs));
    record(failed('timed_out', 60_000));
    expect(statistics.summary()).toMatchObject({
      averageLatency: 50.5,
      latencyPercentiles: { p50: 50, p95: 95, p99: 99 },
    });
  });

  it('stands on the last 1,024 requests', () => {
    record(...Array.from({ length: 1_000 }, () => spoken(10_000)));
    record(...Array.from({ length: 1_024 }, () => spoken(100)));
    expect(statistics.summary()).toMatchObject({ recentRequests: 1_024, averageLatency: 100 });
  });

  it('forgets after five minutes, and then knows nothing', () => {
    record(spoken(100));
    clock.advance(5 * 60_000 - 1);
    expect(statistics.summary().averageLatency).toBe(100);
    clock.advance(1);
    const { averageLatency, latencyPercentiles, successRate, requests } = statistics.summary();
    expect([averageLatency, latencyPercentiles.p50, successRate, requests.spoken]).toEqual([
      null,
      null,
      null,
      1,
    ]);
  });
});

describe('rates', () => {
  it('requestsPerSecond counts what came, accepted or refused', () => {
    for (let second = 0; second < 120; second += 1) {
      record({ kind: 'accepted', priority: 'normal' }, { kind: 'refused', code: 'queue_full' });
      clock.advance(1_000);
    }
    expect(statistics.summary().requestsPerSecond).toBeCloseTo(2, 1);
  });

  it('TTS request success rate is spoken of ended; refused ones are counted aside', () => {
    record(spoken(1), spoken(1), spoken(1), failed('timed_out'), { kind: 'refused', code: 'queue_full' });
    expect(statistics.summary()).toMatchObject({
      successRate: 0.75,
      recentRequests: 4,
      requests: { spoken: 3, failed: 1, refused: 1 },
      refusalsByType: { queue_full: 1 },
    });
  });

  it('a success rate of 0 is reported as 0', () => {
    record(failed('timed_out'));
    expect(statistics.summary().successRate).toBe(0);
    expect(statistics.summary().averageLatency).toBeNull();
  });

  it('error rates by type are of recent requests; counts by type are since the start', () => {
    record(failed('worker_lost'));
    clock.advance(5 * 60_000);
    record(spoken(1), spoken(1), failed('timed_out'), failed('text_empty'));
    expect(statistics.summary()).toMatchObject({
      errorRates: { timeout: 0.25, input: 0.25 },
      errorsByType: { worker_lost: 1, timed_out: 1, text_empty: 1 },
      errorsByCategory: { internal: 1, timeout: 1, input: 1 },
    });
    expect(statistics.summary().errorRates).not.toHaveProperty('internal');
  });

  it('keeps a code that the catalogue does not have as unknown', () => {
    record({ kind: 'ended', outcome: 'failed', latencyMs: 1, code: 'made_up' as 'unknown' });
    expect(statistics.summary().errorsByType).toEqual({ unknown: 1 });
  });
});

const attempt = (generationMs: number, outcome: 'spoken' | 'failed'): SynthesisEvent => ({
  kind: 'attempt-ended',
  workerId: 'worker-1',
  generationMs,
  outcome,
});

describe('what workers do', () => {
  it('average TTS generation time is that of attempts that were spoken', () => {
    record(attempt(100, 'spoken'), attempt(300, 'spoken'), attempt(60_000, 'failed'));
    expect(statistics.summary().averageGenerationTime).toBe(200);
  });

  it('queue processing is measured by waits and routing times', () => {
    record(
      { kind: 'dispatched', workerId: 'worker-1', waitedMs: 10 },
      { kind: 'dispatched', workerId: 'worker-1', waitedMs: 30, routingMs: 0.5 },
    );
    expect(statistics.summary()).toMatchObject({ averageQueueWait: 20, averageRoutingTime: 0.5 });
  });

  it('circuit breaker state changes and retry attempts are counted', () => {
    record(
      {
        kind: 'breaker-changed',
        workerId: 'worker-1',
        from: 'closed',
        to: 'open',
        cause: 'too-many-failures',
        consecutiveFailures: 5,
      },
      {
        kind: 'breaker-changed',
        workerId: 'worker-1',
        from: 'open',
        to: 'half-open',
        cause: 'cool-down-over',
        consecutiveFailures: 5,
      },
      { kind: 'retried', engine: 'flite', code: 'worker_lost', attempt: 2 },
    );
    expect(statistics.summary()).toMatchObject({ circuitBreakerStateChanges: 2, retryAttempts: 1 });
  });

  it('a restart is a start in the place of a process that ended, not a pool that grows', () => {
    record(
      { kind: 'worker-changed', workerId: 'worker-1', from: 'NEW', to: 'INITIALIZING' },
      { kind: 'worker-changed', workerId: 'worker-1', from: 'INITIALIZING', to: 'READY' },
      { kind: 'worker-changed', workerId: 'worker-1', from: 'READY', to: 'TERMINATED', cause: 'SIGKILL' },
      { kind: 'worker-changed', workerId: 'worker-1', from: 'TERMINATED', to: 'INITIALIZING' },
      { kind: 'worker-changed', workerId: 'worker-2', from: 'NEW', to: 'INITIALIZING' },
    );
    expect(statistics.summary().workerRestarts).toBe(1);
  });

  it('counts what else happens', () => {
    record(
      { kind: 'accepted', priority: 'high' },
      spoken(5),
      { kind: 'process-fault', origin: 'unhandledRejection' },
      { kind: 'protection-changed', active: true, reason: 'memory' },
    );
    expect(statistics.summary()).toMatchObject({
      requests: { accepted: 1 },
      audioSpoken: 2_000,
      processFaults: 1,
    });
  });
});
