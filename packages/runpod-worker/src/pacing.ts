import { type Backoff, backoffDelayMs, parseRetryAfter, type Random } from '@taleback/resilience';

/** A job-take or job-stop that the platform holds is cut here, as the reference SDK does. */
export const LONG_POLL_MS = 90_000;
/** After 429; the reference SDK's pause. A longer Retry-After wins, up to `MAX_RETRY_AFTER_MS`. */
export const THROTTLED_MS = 5_000;
/**
 * From the answer of an empty job-take to the next one. However long the network takes, the platform sees them at least
 * 210 ms apart, five in any second; a timer may fire a millisecond early.
 */
export const EMPTY_TAKE_PAUSE_MS = 212;
/** From the answer of a job-stop to the next one; the reference SDK's floor after an empty one. */
export const STOP_PAUSE_MS = 1_000;
/** While polls fail. The jitter keeps a fleet from coming back in step. */
export const POLL_BACKOFF: Backoff = {
  kind: 'exponential',
  initialMs: 500,
  maxMs: 10_000,
  minMs: 250,
  jitter: 'equal',
};
/** How often the concurrency is asked while no slot is free. */
export const FULL_RECHECK_MS = 1_000;
/** One try to post a result: 20 MB over a slow line take their time. */
export const RESULT_TIMEOUT_MS = 120_000;
/** Between attempts of one result: never closer than 250 ms, never further than the platform waits for a status. */
export const RESULT_BACKOFF: Backoff = {
  kind: 'exponential',
  initialMs: 500,
  maxMs: 30_000,
  minMs: 250,
  jitter: 'equal',
};
/** Results not yet accepted at which no more jobs are taken: what they made is in memory. */
export const MAX_WAITING_RESULTS = 100;
/** Longest Retry-After that is obeyed. */
export const MAX_RETRY_AFTER_MS = 60_000;
/** No job lives longer: the platform's upper bound of `policy.ttl`. */
export const RESULT_LIFETIME_MS = 7 * 24 * 3_600_000;
/** Default `policy.executionTimeout`: a job that was taken longer ago counts as timed out over there. */
export const LOST_JOB_LIFETIME_MS = 600_000;
/** How often the outbox is searched for what dead workers left. */
export const OUTBOX_SWEEP_MS = 60_000;
/** One attempt to report progress, and the longest that a finished job waits for the last one to be answered. */
export const PROGRESS_TIMEOUT_MS = 10_000;
export const LAST_PROGRESS_MS = 2_000;
/** Tries of one stream chunk; the job fails after them, because its reader would miss a piece. */
export const CHUNK_TRIES = 6;
export const CHUNK_TIMEOUT_MS = 30_000;
/** Waits before the second, third and fourth try of a ping. @see urllib3 Retry(total=3, backoff_factor=1) */
export const PING_RETRY_MS = [250, 2_000, 4_000] as const;
/** What a handler may take to end after its signal was aborted because the worker stops. */
export const ABORT_GRACE_MS = 3_000;
/** From the drain deadline to the end: aborted jobs are answered in it, the outbox keeps what is not accepted. */
export const LAST_RESULTS_MS = 5_000;
/** Largest result, bytes. @see docs.runpod.io, "payload limits" */
export const MAX_RESULT_BYTES = 20 * 1024 * 1024;
/** Default time of a stop: the open poll, in which the platform may hand out a job, ends within it. */
export const STOP_GRACE_MS = 90_000;
/** How often a job is begun, when workers die under it: then it is to blame. */
export const MAX_RUNS = 2;

/** What matters of a poll for the pause after it. */
export type PollEnd =
  | { readonly kind: 'found' }
  | { readonly kind: 'none' }
  /** 429. */
  | { readonly kind: 'throttled'; readonly retryAfter: string | undefined }
  /** Another status, no answer at all, or one that cannot be read. */
  | { readonly kind: 'failed'; readonly why?: string };

export interface PollTiming {
  /** From any answer without a job to the next poll at least, ms. */
  readonly leastMs: number;
  /** Failed polls in a row, this one included. */
  readonly failures: number;
  /** Epoch milliseconds, for a Retry-After that is a date. */
  readonly nowMs: number;
  readonly random: Random;
}

/** The pause between a poll that just ended and the next one, ms. */
export const pauseAfterPoll = (end: PollEnd, timing: PollTiming): number => {
  switch (end.kind) {
    case 'found':
      return 0;
    case 'none':
      return timing.leastMs;
    case 'throttled': {
      const askedMs = parseRetryAfter(end.retryAfter, timing.nowMs) ?? 0;
      return Math.max(THROTTLED_MS, Math.min(askedMs, MAX_RETRY_AFTER_MS));
    }
    case 'failed':
      return Math.max(timing.leastMs, backoffDelayMs(POLL_BACKOFF, timing.failures, timing.random));
    default:
      return end satisfies never;
  }
};
