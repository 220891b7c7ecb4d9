import { DEFAULT_TIMEOUT_MS, type ProfileNumbers, worker } from '@taleback/resilience';
import { z } from 'zod';

const count = (min: number, max: number) => z.number().int().min(min).max(max);
const DAY_MS = 86_400_000;
const timeMs = z.number().min(1).max(DAY_MS);

/** How the worker for a request is chosen. @see docs/origins.md#balancing */
export const BALANCING = ['round-robin', 'least-connections', 'weighted', 'model-affinity'] as const;

/** @see docs/origins.md#pool */
const workerPool = z
  .strictObject({
    /** Kept even when there is nothing to do. */
    minWorkers: count(1, 64).default(1),
    maxWorkers: count(1, 64).default(5),
    /** Waiting requests per starting worker at which another one is started. */
    scaleUpThreshold: count(1, 100_000).default(5),
    /** Idle time after which a worker leaves, in milliseconds. */
    scaleDownThreshold: timeMs.default(30_000),
    /** Whether a worker is preferred that has the model of the request in memory. */
    modelSpecialization: z.boolean().default(true),
    balancing: z.enum(BALANCING).default('weighted'),
    /** Requests that may wait: a thousand stories of ten pieces each. */
    maxQueued: count(0, 10_000_000).default(10_000),
    /** Requests after which a worker is replaced, so that a slow leak never grows large. */
    recycleAfterJobs: count(1, 1_000_000_000).default(2_000),
    /** Memory above which a worker is replaced, in bytes. The embedded engine needs about 0.2 GB. */
    recycleAboveBytes: count(1, 2 ** 50).default(2 ** 30),
    /** Time to load a model before the worker counts as lost, in milliseconds: large models take a minute from disk. */
    startTimeoutMs: timeMs.default(120_000),
  })
  .refine(({ minWorkers, maxWorkers }) => minWorkers <= maxWorkers, {
    path: ['minWorkers'],
    message: 'must not be more than maxWorkers',
  });

const { strategy, cooldownMs, halfOpenSuccesses } = worker.breaker;

/** Of one worker. The defaults are those of the profile `worker` in resilience. */
const circuitBreaker = z.strictObject({
  /** Share of failures that opens it, over 0 and up to 1. */
  failureThreshold: z.number().gt(0).max(1).default(strategy.failureRatio),
  /** Time for one attempt on a worker, in milliseconds; long texts and slow engines are given more. */
  timeoutMs: timeMs.default(worker.timeoutMs),
  /** Time until a worker is tried again, in milliseconds. */
  resetTimeoutMs: timeMs.default(cooldownMs),
  /** Bounds within which the time until it is tried again adapts to how long outages last. Default: it does not. */
  minResetTimeoutMs: timeMs.optional(),
  maxResetTimeoutMs: timeMs.optional(),
  /** Recent calls that are considered. */
  windowCalls: count(1, 10_000).default(strategy.size),
  /** With fewer calls it never opens. */
  minimumCalls: count(1, 10_000).default(strategy.minimumCalls),
  /** Opens it in place of the share: so many failures in a row. */
  consecutiveFailures: count(1, 1_000).optional(),
  /** Successful trials in a row that close it. */
  halfOpenSuccesses: count(1, 100).default(halfOpenSuccesses),
});

const managerConfig = z.strictObject({
  workerPool: workerPool.prefault({}),
  circuitBreaker: circuitBreaker.prefault({}),
  /** @see docs/origins.md#health-score */
  health: z
    .strictObject({ intervalMs: timeMs.default(5_000), maxMisses: count(1, 100).default(3) })
    .prefault({}),
  retry: z
    .strictObject({
      /** Counts the first attempt. @see docs/origins.md#retries */
      maxAttempts: count(1, 20).default(worker.retry.maxAttempts),
      /**
       * For all attempts at one request, in milliseconds; at least the time of one. @see docs/origins.md#timeouts
       */
      deadlineMs: timeMs.default(DEFAULT_TIMEOUT_MS),
      /** First wait after an error that another process would not cure, in milliseconds. It doubles. */
      baseDelayMs: timeMs.default(worker.retry.backoff.initialMs),
      /** Longest such wait. Default: four times the first. */
      maxDelayMs: timeMs.optional(),
    })
    .prefault({}),
});

export type TtsManagerConfig = z.output<typeof managerConfig>;
/** The same with every field optional. */
export type TtsManagerOverrides = z.input<typeof managerConfig>;

/** @throws Error that names every invalid field. */
export const parseManagerConfig = (overrides: TtsManagerOverrides = {}): TtsManagerConfig => {
  const result = managerConfig.safeParse(overrides);
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path, message }) => `${path.join('.') || 'config'}: ${message}`);
  throw new Error(`TTS manager configuration: ${faults.join('; ')}`);
};

export const poolNumbers = (config: TtsManagerConfig): ProfileNumbers => {
  const { workerPool, circuitBreaker, retry } = config;
  return {
    timeoutMs: circuitBreaker.timeoutMs,
    retries: retry.maxAttempts - 1,
    backoffFirstMs: retry.baseDelayMs,
    backoffMostMs: retry.maxDelayMs ?? retry.baseDelayMs * 4,
    maxConcurrent: workerPool.maxWorkers,
    requestsPerMinute: 0,
    failures: circuitBreaker.consecutiveFailures,
    successes: circuitBreaker.halfOpenSuccesses,
    cooldownMs: circuitBreaker.resetTimeoutMs,
    cooldownMinMs: circuitBreaker.minResetTimeoutMs,
    cooldownMaxMs: circuitBreaker.maxResetTimeoutMs,
  };
};

/** The configuration of one engine, whose own numbers replace the manager's. */
export const configOfEngine = (config: TtsManagerConfig, own: Partial<ProfileNumbers>): TtsManagerConfig => {
  const numbers = { ...poolNumbers(config), ...own };
  const maxWorkers = numbers.maxConcurrent ?? config.workerPool.maxWorkers;
  return {
    ...config,
    workerPool: {
      ...config.workerPool,
      maxWorkers,
      minWorkers: Math.min(config.workerPool.minWorkers, maxWorkers),
    },
    circuitBreaker: {
      ...config.circuitBreaker,
      timeoutMs: numbers.timeoutMs,
      consecutiveFailures: numbers.failures,
      halfOpenSuccesses: numbers.successes,
      resetTimeoutMs: numbers.cooldownMs,
      minResetTimeoutMs: numbers.cooldownMinMs,
      maxResetTimeoutMs: numbers.cooldownMaxMs,
    },
    retry: {
      ...config.retry,
      maxAttempts: numbers.retries + 1,
      baseDelayMs: numbers.backoffFirstMs ?? config.retry.baseDelayMs,
      maxDelayMs: numbers.backoffMostMs,
    },
  };
};
