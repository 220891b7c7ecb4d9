import { z } from 'zod';

const count = (min: number, max: number) => z.number().int().min(min).max(max);
const timeMs = (max: number) => z.number().min(1).max(max);

/** How the worker for a request is chosen. @see seed 004, "Load Balancer" */
export const BALANCING = ['round-robin', 'least-connections', 'weighted', 'model-affinity'] as const;

const DAY_MS = 86_400_000;
const GIBIBYTE = 2 ** 30;

/** @see seed 004, "Worker Pool Manager: dynamic scaling (1-5 workers)" */
const workerPool = z
  .strictObject({
    /** Kept even when nothing is to do. */
    minWorkers: count(1, 64).default(1),
    /** Seed 004: 3 in its example, 5 in its target. */
    maxWorkers: count(1, 64).default(5),
    /** Waiting requests per starting worker at which another one is started. Seed 004: 5. */
    scaleUpThreshold: count(1, 100_000).default(5),
    /** Idle time after which a worker leaves, in milliseconds. Seed 004: 30,000. */
    scaleDownThreshold: timeMs(DAY_MS).default(30_000),
    /** Whether a worker is preferred that has the model of the request in memory. Seed 004: true. */
    modelSpecialization: z.boolean().default(true),
    /** Seed 004, phase 2: the weighted algorithm. */
    balancing: z.enum(BALANCING).default('weighted'),
    /** Requests that may wait. A thousand stories of ten pieces each. */
    maxQueued: count(0, 10_000_000).default(10_000),
    /** Requests after which a worker is replaced: what leaks slowly never grows large. Seed 004: "periodic recycling". */
    recycleAfterJobs: count(1, 1_000_000_000).default(2_000),
    /** Memory above which a worker is replaced, in bytes. The embedded engine needs about 0.2 GB. */
    recycleAboveBytes: count(1, 2 ** 50).default(GIBIBYTE),
    /** Time to load a model before the worker counts as lost, in milliseconds: large models take a minute from disk. */
    startTimeoutMs: timeMs(DAY_MS).default(120_000),
  })
  .refine(({ minWorkers, maxWorkers }) => minWorkers <= maxWorkers, {
    path: ['minWorkers'],
    message: 'must not be more than maxWorkers',
  });

/** Of one worker. @see seed 004, "Configuration" */
const circuitBreaker = z.strictObject({
  /** Share of failures that opens it, over 0 and up to 1. Seed 004: 0.5. */
  failureThreshold: z.number().gt(0).max(1).default(0.5),
  /** Time for one request on a worker, in milliseconds; long texts and slow engines are given more. Seed 004: 10,000. */
  timeoutMs: timeMs(DAY_MS).default(10_000),
  /** Most that long texts and slow engines are given, in milliseconds. Seed 000: 60,000. */
  maxTimeoutMs: timeMs(DAY_MS).default(60_000),
  /** Time until a worker is tried again, in milliseconds. Seed 004: 60,000. */
  resetTimeoutMs: timeMs(DAY_MS).default(60_000),
  /** Calls looked back at. See the profile `worker` in resilience. */
  windowCalls: count(1, 10_000).default(20),
  /** Fewer calls say nothing. */
  minimumCalls: count(1, 10_000).default(5),
  /** Trials in a row that close it. Seed 000: 2. */
  halfOpenSuccesses: count(1, 100).default(2),
});

/** @see seed 004, "Health Monitor" */
const health = z.strictObject({
  /** Seed 004: 5-second intervals. */
  intervalMs: timeMs(DAY_MS).default(5_000),
  /** Seed 004: 3 consecutive failures. */
  maxMisses: count(1, 100).default(3),
});

const retry = z.strictObject({
  /** The first try counts. Seed 000: MAX_RETRIES 3. */
  maxAttempts: count(1, 20).default(4),
  /** First wait after an error that another process would not cure, in milliseconds. Seed 000: 1,000, doubling. */
  baseDelayMs: timeMs(DAY_MS).default(1_000),
});

const managerConfig = z.strictObject({
  workerPool: workerPool.prefault({}),
  circuitBreaker: circuitBreaker.prefault({}),
  health: health.prefault({}),
  retry: retry.prefault({}),
});

/** Every number of the manager, in the names of seed 004. */
export type TtsManagerConfig = z.output<typeof managerConfig>;
/** The same with every field optional. */
export type TtsManagerOverrides = z.input<typeof managerConfig>;

/** @throws Error that names every field at fault. */
export const parseManagerConfig = (overrides: TtsManagerOverrides = {}): TtsManagerConfig => {
  const result = managerConfig.safeParse(overrides);
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path, message }) => `${path.join('.') || 'config'}: ${message}`);
  throw new Error(`TTS manager configuration: ${faults.join('; ')}`);
};
