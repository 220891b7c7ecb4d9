import type { ErrorsByCategory, ErrorsByCode } from './error-tally.ts';
import type { Percentiles } from './percentiles.ts';

/**
 * What a worker's requests were like. Absent is what nothing is known of: no latency before the first request was
 * spoken. A count of 0 is a count.
 *
 * "Recent" is of the last 1,024 in the last 5 minutes, whichever is less.
 */
export interface StatisticsSummary {
  readonly startedAtMs: number;
  /** Requests that ended recently; what the recent figures stand on. */
  readonly recentRequests: number;
  /** Mean time from acceptance to speech, of recent requests that were spoken, ms. */
  readonly averageLatencyMs?: number;
  /** Of the same requests, ms, nearest rank. */
  readonly latencyPercentilesMs?: Percentiles;
  /** Mean time that a worker took, of recent attempts that were spoken, ms. */
  readonly averageGenerationMs?: number;
  /** Mean time in the queue, of recent hand-overs to a worker, ms. */
  readonly averageQueueWaitMs?: number;
  /** Mean time that the choice of a worker took, of recent hand-overs that tell it, ms. */
  readonly averageRoutingMs?: number;
  /** Requests that came, accepted or refused, over the last minute. Absent in the first second. */
  readonly requestsPerSecond?: number;
  /** Spoken of recent requests that ended, 0..1. Refused requests are not in it. */
  readonly successRate?: number;
  /** Failed of recent requests that ended, 0..1, by category; what did not occur is not mentioned. */
  readonly errorRates: ErrorsByCategory;
  /** Requests that failed since the start. */
  readonly errorsByCode: ErrorsByCode;
  readonly errorsByCategory: ErrorsByCategory;
  /** Requests that were refused since the start. */
  readonly refusalsByCode: ErrorsByCode;
  readonly counts: StatisticsCounts;
}

/** How often since the start. */
export interface StatisticsCounts {
  readonly accepted: number;
  readonly spoken: number;
  readonly failed: number;
  readonly refused: number;
  readonly retries: number;
  readonly breakerChanges: number;
  readonly workerRestarts: number;
  readonly processFaults: number;
  /** Audio that was spoken, ms. */
  readonly audioMs: number;
  /** Characters that were spoken. */
  readonly characters: number;
}
