import { describe, expect, it } from 'vitest';
import { configOfEngine, parseManagerConfig, poolNumbers, type TtsManagerOverrides } from './pool-config.ts';

describe('parseManagerConfig', () => {
  it('configuration: its example is taken as it is written', () => {
    const config = {
      workerPool: {
        minWorkers: 1,
        maxWorkers: 3,
        scaleUpThreshold: 5, // Queue depth trigger
        scaleDownThreshold: 30000, // Idle time (ms)
        modelSpecialization: true,
      },
      circuitBreaker: {
        failureThreshold: 0.5, // 50% failure rate
        timeoutMs: 10000, // 10s request timeout
        resetTimeoutMs: 60000, // 1min recovery wait
      },
    };
    expect(parseManagerConfig(config)).toMatchObject(config);
  });

  it('has the numbers of the seeds where nothing is said', () => {
    const config = parseManagerConfig();
    expect(config).toMatchObject({
      workerPool: {
        minWorkers: 1,
        maxWorkers: 5,
        scaleUpThreshold: 5,
        scaleDownThreshold: 30_000,
        modelSpecialization: true,
        balancing: 'weighted',
      },
      circuitBreaker: {
        failureThreshold: 0.5,
        timeoutMs: 10_000,
        resetTimeoutMs: 60_000,
        halfOpenSuccesses: 2,
      },
      health: { intervalMs: 5_000, maxMisses: 3 },
      retry: { maxAttempts: 4, deadlineMs: 60_000, baseDelayMs: 1_000 },
    });
    expect(parseManagerConfig({ health: {} })).toEqual(config);
  });

  it.each<[string, unknown]>([
    ['workerPool.minWorkers', { workerPool: { minWorkers: 0 } }],
    ['workerPool.minWorkers', { workerPool: { minWorkers: 4, maxWorkers: 3 } }],
    ['workerPool.maxWorkers', { workerPool: { maxWorkers: 65 } }],
    ['workerPool.maxWorkers', { workerPool: { maxWorkers: 2.5 } }],
    ['workerPool.scaleUpThreshold', { workerPool: { scaleUpThreshold: '5' } }],
    ['workerPool.scaleDownThreshold', { workerPool: { scaleDownThreshold: Number.NaN } }],
    ['workerPool.modelSpecialization', { workerPool: { modelSpecialization: 'yes' } }],
    ['workerPool.balancing', { workerPool: { balancing: 'random' } }],
    ['workerPool.maxQueued', { workerPool: { maxQueued: -1 } }],
    ['workerPool.recycleAfterJobs', { workerPool: { recycleAfterJobs: 0 } }],
    ['workerPool.recycleAboveBytes', { workerPool: { recycleAboveBytes: 0 } }],
    ['workerPool.startTimeoutMs', { workerPool: { startTimeoutMs: 0 } }],
    ['circuitBreaker.failureThreshold', { circuitBreaker: { failureThreshold: 0 } }],
    ['circuitBreaker.failureThreshold', { circuitBreaker: { failureThreshold: 50 } }],
    ['circuitBreaker.timeoutMs', { circuitBreaker: { timeoutMs: 0 } }],
    ['retry.deadlineMs', { retry: { deadlineMs: Number.POSITIVE_INFINITY } }],
    ['circuitBreaker.resetTimeoutMs', { circuitBreaker: { resetTimeoutMs: -1 } }],
    ['circuitBreaker.windowCalls', { circuitBreaker: { windowCalls: 0 } }],
    ['circuitBreaker.minimumCalls', { circuitBreaker: { minimumCalls: 0 } }],
    ['circuitBreaker.halfOpenSuccesses', { circuitBreaker: { halfOpenSuccesses: 0 } }],
    ['health.intervalMs', { health: { intervalMs: null } }],
    ['health.maxMisses', { health: { maxMisses: 0 } }],
    ['retry.maxAttempts', { retry: { maxAttempts: 0 } }],
    ['retry.baseDelayMs', { retry: { baseDelayMs: 0 } }],
    ['workerPool', { workerPool: 3 }],
    ['config', 'nothing like it'],
  ])('names %s when it cannot be used', (field, overrides) => {
    expect(() => parseManagerConfig(overrides as TtsManagerOverrides)).toThrow(`configuration: ${field}: `);
  });

  it('names every field at fault', () => {
    const overrides = { workerPool: { maxWorkers: 0 }, health: { maxMisses: 0 } };
    expect(() => parseManagerConfig(overrides)).toThrow(/workerPool\.maxWorkers: .*; health\.maxMisses: /u);
  });

  it.each<[string, unknown]>([
    ['workers', { workers: 3 }],
    ['maxworkers', { workerPool: { maxworkers: 3 } }],
  ])('refuses %s, which it does not know', (key, overrides) => {
    expect(() => parseManagerConfig(overrides as TtsManagerOverrides)).toThrow(`"${key}"`);
  });
});

describe('configOfEngine', () => {
  it('replaces the numbers of the manager by those of the engine, and no other', () => {
    const config = parseManagerConfig({ workerPool: { minWorkers: 4 } });
    const own = {
      timeoutMs: 15_000,
      retries: 1,
      backoffFirstMs: 4_000,
      backoffMostMs: 16_000,
      maxConcurrent: 2,
      failures: 7,
      successes: 3,
      cooldownMs: 300_000,
      cooldownMinMs: 60_000,
      cooldownMaxMs: 600_000,
    };
    const changed = configOfEngine(config, own);
    expect(poolNumbers(changed)).toEqual({ ...own, requestsPerMinute: 0 });
    expect(changed.workerPool).toEqual({ ...config.workerPool, minWorkers: 2, maxWorkers: 2 });
    expect(configOfEngine(config, {})).toEqual({ ...config, retry: { ...config.retry, maxDelayMs: 4_000 } });
  });
});
