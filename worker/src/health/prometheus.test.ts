import { beforeEach, describe, expect, it } from 'vitest';
import type { OutboxStatus } from '@taleback/outbox';
import type { CacheStatus, PoolSnapshot, SynthesisEvent } from '@taleback/speech';
import type { ProtectionSummary, Readiness } from '@taleback/speech/operations';
import { aPool, aWorker } from '../../../packages/speech/test/support/pool-fixtures.ts';
import { createPrometheus, type PrometheusMetrics, type ScrapedState } from './prometheus.ts';

let pool: PoolSnapshot | undefined;
let machine: { cpuRatio?: number; memoryRatio?: number };
let protection: ProtectionSummary;
let readiness: Readiness;
const stories = { ready: 3, failed: 1 };
let streams: ScrapedState['streams'] & object;
let outbox: OutboxStatus | undefined;
let cache: CacheStatus | undefined;
let prometheus: PrometheusMetrics;
beforeEach(() => {
  pool = aPool();
  machine = {};
  protection = { active: false };
  readiness = { ready: true, state: 'ready', reasons: [] };
  streams = {};
  outbox = undefined;
  cache = undefined;
  prometheus = createPrometheus({ withProcessMetrics: false });
});

const text = (): Promise<string> =>
  prometheus.text({ pool, machine, protection, readiness, stories, streams, outbox, cache });

/** The samples of a metric, as `labels value`. */
const samples = async (name: string): Promise<string[]> =>
  (await text())
    .split('\n')
    .filter((line) => line === name || line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .map((line) => line.slice(name.length).trim());
const record = (...events: SynthesisEvent[]): void => {
  for (const event of events) prometheus.record(event);
};

type BreakerChange = SynthesisEvent & { readonly kind: 'breaker-changed' };

const breakerChange = (to: BreakerChange['to']): BreakerChange => ({
  kind: 'breaker-changed',
  workerId: 'worker-1',
  from: 'closed',
  to,
  cause: 'too-many-failures',
  consecutiveFailures: 5,
});

describe('Prometheus metrics for TTS operations', () => {
  it('success rates are the ended requests by outcome, known from the start', async () => {
    expect(await samples('taleback_ended_total')).toEqual(['{outcome="spoken"} 0', '{outcome="failed"} 0']);
    record(
      { kind: 'ended', outcome: 'spoken', latencyMs: 140, audioMs: 2_500, characters: 40 },
      { kind: 'ended', outcome: 'failed', latencyMs: 900, code: 'timed_out' },
    );
    expect(await samples('taleback_ended_total')).toEqual(['{outcome="spoken"} 1', '{outcome="failed"} 1']);
    expect(await samples('taleback_audio_seconds_total')).toEqual(['2.5']);
    expect(await samples('taleback_characters_total')).toEqual(['40']);
  });

  it('stories are counted beside the pieces that they are spoken in', async () => {
    expect(await samples('taleback_stories_total')).toEqual(['{end="ready"} 3', '{end="failed"} 1']);
  });

  it('latencies are histograms in seconds, with the latency goals as bounds', async () => {
    for (const latencyMs of [125, 250, 500, 625]) {
      record({ kind: 'ended', outcome: 'spoken', latencyMs, audioMs: 1, characters: 1 });
    }
    const buckets = await samples('taleback_synthesis_seconds_bucket');
    for (const [bound, count] of [
      ['0.15', 1],
      ['0.3', 2],
      ['0.5', 3],
      ['+Inf', 4],
    ] as const) {
      expect(buckets).toContain(`{le="${bound}",outcome="spoken"} ${count}`);
    }
    expect(await samples('taleback_synthesis_seconds_sum')).toEqual(['{outcome="spoken"} 1.5']);
  });

  it('error rates are failures and refusals by code and category', async () => {
    record(
      { kind: 'ended', outcome: 'failed', latencyMs: 1, code: 'worker_lost' },
      { kind: 'ended', outcome: 'failed', latencyMs: 1, code: 'invented' as 'unknown' },
      { kind: 'refused', code: 'queue_full' },
      { kind: 'retried', engine: 'flite', code: 'worker_lost', attempt: 2 },
    );
    expect(await samples('taleback_failures_total')).toEqual([
      '{code="worker_lost",category="internal"} 1',
      '{code="unknown",category="internal"} 1',
    ]);
    expect(await samples('taleback_refusals_total')).toEqual(['{code="queue_full"} 1']);
    expect(await samples('taleback_retries_total')).toEqual(['{code="worker_lost"} 1']);
  });

  it('average generation time, queue waits and routing are histograms', async () => {
    record(
      { kind: 'attempt-ended', workerId: 'worker-1', generationMs: 90, outcome: 'spoken' },
      { kind: 'dispatched', workerId: 'worker-1', waitedMs: 2_000, routingMs: 5 },
      { kind: 'dispatched', workerId: 'worker-1', waitedMs: 1_000 },
    );
    expect(await samples('taleback_generation_seconds_sum')).toEqual(['{outcome="spoken"} 0.09']);
    expect(await samples('taleback_queue_wait_seconds_sum')).toEqual(['3']);
    expect(await samples('taleback_routing_seconds_count')).toEqual(['1']);
  });

  it('circuit breaker state changes are counted by where they lead', async () => {
    record(breakerChange('half-open'), breakerChange('half-open'), breakerChange('open'));
    expect(await samples('taleback_breaker_changes_total')).toEqual([
      '{to="closed"} 0',
      '{to="open"} 1',
      '{to="half_open"} 2',
      '{to="isolated"} 0',
    ]);
  });

  it('unhandled rejections and uncaught exceptions are counted', async () => {
    record({ kind: 'process-fault', origin: 'unhandledRejection' });
    expect(await samples('taleback_process_faults_total')).toEqual([
      '{origin="unhandledRejection"} 1',
      '{origin="uncaughtException"} 0',
    ]);
  });

  it('counts acceptance by priority, changes of workers, and restarts', async () => {
    record(
      { kind: 'accepted', priority: 'high' },
      { kind: 'worker-changed', workerId: 'worker-1', from: 'NEW', to: 'INITIALIZING' },
      { kind: 'worker-changed', workerId: 'worker-1', from: 'TERMINATED', to: 'INITIALIZING' },
    );
    expect(await samples('taleback_accepted_total')).toContain('{priority="high"} 1');
    expect(await samples('taleback_worker_changes_total')).toEqual(['{to="initializing"} 2']);
    expect(await samples('taleback_worker_restarts_total')).toEqual(['{worker="worker-1"} 1']);
  });
});

describe('what is read at the time of the scrape', () => {
  it('queue depth, workers by state, health scores, memory and breakers', async () => {
    pool = aPool(
      [
        aWorker({ state: 'BUSY', healthScore: 97, rssBytes: 90_000_000 }),
        aWorker({ id: 'worker-2', healthScore: 12, breaker: 'OPEN' }),
      ],
      { queued: { high: 1, normal: 4, low: 0 }, queueDepth: 5, inFlight: 1 },
    );
    expect(await samples('taleback_queue_depth')).toEqual([
      '{priority="high"} 1',
      '{priority="normal"} 4',
      '{priority="low"} 0',
    ]);
    expect(await samples('taleback_in_flight')).toEqual(['{mode="pool"} 1']);
    expect(await samples('taleback_workers')).toEqual([
      '{state="initializing"} 0',
      '{state="ready"} 1',
      '{state="busy"} 1',
      '{state="unhealthy"} 0',
      '{state="shutting_down"} 0',
      '{state="terminated"} 0',
    ]);
    expect(await samples('taleback_worker_health_score')).toEqual([
      '{worker="worker-1"} 97',
      '{worker="worker-2"} 12',
    ]);
    expect(await samples('taleback_worker_resident_memory_bytes')).toEqual(['{worker="worker-1"} 90000000']);
    expect(await samples('taleback_worker_breaker')).toContain('{worker="worker-2",state="open"} 1');
  });

  it('cpu and memory usage, absent while they are not known', async () => {
    expect(await samples('taleback_machine_usage_ratio')).toEqual([]);
    machine = { cpuRatio: 0.5, memoryRatio: Number.NaN };
    expect(await samples('taleback_machine_usage_ratio')).toEqual(['{resource="cpu"} 0.5']);
  });

  it('forgets a worker that is gone, and everything of a pool that is not there', async () => {
    pool = aPool([aWorker(), aWorker({ id: 'worker-2' })]);
    expect(await samples('taleback_worker_health_score')).toHaveLength(2);
    pool = aPool([aWorker()]);
    expect(await samples('taleback_worker_health_score')).toEqual(['{worker="worker-1"} 100']);
    pool = undefined;
    for (const name of ['taleback_worker_health_score', 'taleback_workers', 'taleback_queue_depth']) {
      expect(await samples(name)).toEqual([]);
    }
    expect(await samples('taleback_in_flight')).toEqual([]);
  });

  it('tells the state, readiness and protection', async () => {
    readiness = { ready: false, state: 'protected', reasons: ['memory'] };
    protection = { active: true, reason: 'memory' };
    expect(await samples('taleback_state')).toEqual([
      '{state="starting"} 0',
      '{state="ready"} 0',
      '{state="degraded"} 0',
      '{state="protected"} 1',
      '{state="stopping"} 0',
    ]);
    expect(await samples('taleback_ready')).toEqual(['0']);
    expect(await samples('taleback_protection_active')).toEqual(['1']);
  });
});

const ofOutbox = async (): Promise<string[]> =>
  (await text()).split('\n').filter((line) => /^taleback_(?:outbox|callbacks)/.test(line));

describe('what others count', () => {
  const idle: OutboxStatus = {
    sending: true,
    depth: 0,
    oldestAge: null,
    delivered: 0,
    refused: 0,
    expired: 0,
    setAside: 0,
    sentWithout: 0,
  };
  it('is what waits in the outbox and what became of the rest', async () => {
    outbox = idle;
    expect(await ofOutbox()).toEqual([
      'taleback_outbox_depth{sending="true"} 0',
      'taleback_outbox_oldest_age_seconds{sending="true"} 0',
      'taleback_callbacks_total{end="delivered"} 0',
      'taleback_callbacks_total{end="refused"} 0',
      'taleback_callbacks_total{end="expired"} 0',
      'taleback_outbox_set_aside_total 0',
      'taleback_outbox_bypassed_total 0',
    ]);
    const counts = { delivered: 4, refused: 5, expired: 6, setAside: 7, sentWithout: 8 };
    outbox = { sending: true, depth: 3, oldestAge: 1_500, ...counts };
    await ofOutbox();
    expect((await ofOutbox()).map((line) => line.split(' ')[1])).toEqual([
      '3',
      '1.5',
      '4',
      '5',
      '6',
      '7',
      '8',
    ]);
    outbox = { ...idle, sending: false, depth: null };
    expect((await ofOutbox()).filter((line) => /depth|oldest/.test(line))).toEqual([]);
  });

  it('is what the cache holds and what became of requests to it', async () => {
    cache = {
      entries: 3,
      sizeBytes: 4_096,
      maxBytes: 10_000,
      hits: { chunk: 5, narration: 2 },
      misses: { chunk: 7, narration: 1 },
      evictions: 4,
      expired: 3,
      broken: 2,
      unkept: 1,
    };
    await text();
    const page = await text();
    for (const line of [
      'taleback_cache_bytes 4096',
      'taleback_cache_requests_total{kind="chunk",outcome="hit"} 5',
      'taleback_cache_requests_total{kind="narration",outcome="miss"} 1',
      'taleback_cache_lost_total{cause="evicted"} 4',
      'taleback_cache_lost_total{cause="unkept"} 1',
    ]) {
      expect(page).toContain(line);
    }
  });
});

describe('the page', () => {
  it('keeps a bounded number of names of workers', async () => {
    pool = aPool(Array.from({ length: 1_000 }, (_, index) => aWorker({ id: `worker-${index}` })));
    expect(await samples('taleback_worker_health_score')).toHaveLength(65);
  });

  it('is in the text format, with a help and a type for each metric, in base units', async () => {
    expect(prometheus.contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
    const page = await text();
    const names = [...page.matchAll(/^# TYPE (\S+) (counter|gauge|histogram)$/gm)];
    expect(names.length).toBeGreaterThan(20);
    for (const [, name = '', type] of names) {
      expect(page).toMatch(new RegExp(`^# HELP ${name} .+\\.$`, 'm'));
      expect(name).toMatch(/^taleback_[a-z_]+$/);
      expect(name.endsWith('_total')).toBe(type === 'counter');
      expect(name).not.toMatch(/_(ms|millis|percent|kb|mb)(_|$)/);
    }
  });

  it('has the figures of the process in a registry of its own', async () => {
    const state = { pool: undefined, machine: {}, protection, readiness };
    const [first, second] = [createPrometheus(), createPrometheus()];
    first.record({ kind: 'refused', code: 'queue_full' });
    expect(await first.text(state)).toMatch(/^process_cpu_seconds_total \d/m);
    expect(await first.text(state)).toContain('taleback_refusals_total{code="queue_full"} 1');
    expect(await second.text(state)).not.toContain('code="queue_full"');
  });

  it('shows the streams that are in use, and how often each failed', async () => {
    streams = { jobs: { open: false, sinceMs: 0, failures: 3, reason: 'Its role is missing.' } };
    expect(await samples('taleback_stream_open')).toEqual(['{stream="jobs"} 0']);
    expect(await samples('taleback_stream_failures_total')).toEqual(['{stream="jobs"} 3']);
    streams = {
      jobs: { open: true, sinceMs: 0, failures: 3 },
      heartbeat: { open: true, sinceMs: 0, failures: 0 },
    };
    expect(await samples('taleback_stream_open')).toEqual(['{stream="jobs"} 1', '{stream="heartbeat"} 1']);
    expect(await samples('taleback_stream_failures_total')).toEqual([
      '{stream="jobs"} 3',
      '{stream="heartbeat"} 0',
    ]);
  });
});
