import type { EnginePicture } from './engine-picture.ts';
import type { ErrorsByCategory, ErrorsByCode } from './error-tally.ts';
import type { OutboxStatus } from '@taleback/outbox/src/outbox-status.ts';
import type { Percentiles } from './percentiles.ts';
import type { ProtectionWords, ServiceState } from './readiness.ts';
import type { PoolMode, PoolSnapshot, WorkerBreakerState, WorkerSnapshot } from './synthesis-event.ts';

/**
 * The key metrics of the manager. Null is what is not known; nothing is made up.
 *
 * @see seed 004, "Monitoring and Metrics", field for field
 */
export interface SystemMetrics {
  /** Mean time from acceptance to speech, of recent spoken requests, ms. */
  readonly averageLatency: number | null;
  /** Requests that came over the last minute, accepted or refused, per second. */
  readonly requestsPerSecond: number | null;
  /** Requests that wait. */
  readonly queueDepth: number | null;
  /** Spoken of recent requests that ended, 0..1. */
  readonly successRate: number | null;
  /** The worst of the workers' breakers; null when there is none. */
  readonly circuitBreakerState: WorkerBreakerState | null;
  /** Health score of each worker, 0..100, in the order of `workers`. */
  readonly workerHealth: readonly number[];
  /** Memory in use of what the machine or its container has, 0..1. */
  readonly memoryUsage: number | null;
  /** Processor time in use of all that the machine or its container has, 0..1. */
  readonly cpuUsage: number | null;
  /** Workers that are READY or BUSY. */
  readonly activeWorkers: number | null;
}

/** @see seed 000, "Monitoring"; its success rate and queue length are `successRate` and `queueDepth` above */
export interface SynthesisMetrics {
  /** Mean time that a worker took for a recent attempt that was spoken, ms. */
  readonly averageGenerationTime: number | null;
  /** Since the start. */
  readonly circuitBreakerStateChanges: number;
  /** Attempts beyond the first, since the start. */
  readonly retryAttempts: number;
  /** Requests that failed since the start. */
  readonly errorsByType: ErrorsByCode;
  readonly errorsByCategory: ErrorsByCategory;
  /** Failed of recent requests that ended, 0..1, by category; null before any ended. */
  readonly errorRates: ErrorsByCategory | null;
}

/** A worker as it is told: what stands on no request yet is null. */
export interface WorkerStatus extends Omit<WorkerSnapshot, 'successRate' | 'averageResponseMs'> {
  readonly successRate: number | null;
  readonly averageResponseMs: number | null;
}

/** All that a page or an operator asks for, as plain JSON. */
export interface ServiceStatus extends SystemMetrics, SynthesisMetrics {
  readonly state: ServiceState;
  /** Why it is not simply ready. */
  readonly reasons: readonly string[];
  readonly ready: boolean;
  readonly mode: PoolMode | null;
  readonly protection: ProtectionWords;
  /** Of recent spoken requests, ms. */
  readonly latencyPercentiles: { readonly [Name in keyof Percentiles]: number | null };
  /** Recent requests that the figures stand on. */
  readonly recentRequests: number;
  /** Mean time in the queue, ms. */
  readonly averageQueueWait: number | null;
  /** Mean time that the choice of a worker took, ms. */
  readonly averageRoutingTime: number | null;
  readonly queued: PoolSnapshot['queued'] | null;
  readonly inFlight: number | null;
  /** Since the start. */
  readonly requests: {
    readonly accepted: number;
    readonly spoken: number;
    readonly failed: number;
    readonly refused: number;
  };
  readonly refusalsByType: ErrorsByCode;
  /** Audio that was spoken since the start, ms. */
  readonly audioSpoken: number;
  readonly workerRestarts: number;
  readonly processFaults: number;
  /** What the cache of sounds holds and what became of requests to it; absent where there is none. */
  readonly cache?: object | undefined;
  /** The last diagnosis of each service that failed, by engine. */
  readonly diagnoses?: Readonly<Record<string, object>>;
  /** Final callbacks; absent where the service sends none. */
  readonly outbox?: OutboxStatus;
  readonly workers: readonly WorkerStatus[];
  /** Where several engines may speak: each as it stands, in the order of preference. */
  readonly engines?: readonly EnginePicture[];
  /** ISO 8601. */
  readonly startedAt: string;
  readonly at: string;
}
