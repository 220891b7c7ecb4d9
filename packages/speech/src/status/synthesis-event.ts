import type { ErrorCode } from '@taleback/core';
import type { Priority } from '@taleback/resilience';

/** @see seed 004, "Worker States" */
export type WorkerState = 'INITIALIZING' | 'READY' | 'BUSY' | 'UNHEALTHY' | 'SHUTTING_DOWN' | 'TERMINATED';

/** How a worker's circuit breaker stands. ISOLATED: opened by hand. */
export type WorkerBreakerState = 'CLOSED' | 'OPEN' | 'HALF_OPEN' | 'ISOLATED';

/** How the manager speaks: several worker processes, one, or none at all; or a service elsewhere speaks. */
export type PoolMode = 'pool' | 'single' | 'in-process' | 'remote';

export type FaultOrigin = 'unhandledRejection' | 'uncaughtException';

/** What the manager tells those who watch it: one event per thing that happened, in the order it happened. */
export type SynthesisEvent =
  /** A request entered the queue. */
  | { readonly kind: 'accepted'; readonly priority: Priority }
  /** A request never entered: protection, kill switch, rate limit, queue full. */
  | { readonly kind: 'refused'; readonly code: ErrorCode }
  /** Exactly one per accepted request. `latencyMs` counts from its acceptance. */
  | {
      readonly kind: 'ended';
      readonly outcome: 'spoken';
      readonly latencyMs: number;
      readonly audioMs: number;
      readonly characters: number;
    }
  | {
      readonly kind: 'ended';
      readonly outcome: 'failed';
      readonly latencyMs: number;
      readonly code: ErrorCode;
    }
  /** A request was handed to a worker after `waitedMs` in the queue. */
  | {
      readonly kind: 'dispatched';
      readonly workerId: string;
      readonly waitedMs: number;
      /** Time that the choice of the worker took. */
      readonly routingMs?: number;
    }
  | {
      readonly kind: 'attempt-ended';
      readonly workerId: string;
      /** From the hand-over to the worker to its answer. */
      readonly generationMs: number;
      readonly outcome: 'spoken' | 'failed';
      readonly code?: ErrorCode;
    }
  /** Another attempt follows a failed one. `attempt` is the number of the coming one, so 2 or more. */
  | { readonly kind: 'retried'; readonly code: ErrorCode; readonly attempt: number }
  | {
      readonly kind: 'breaker-changed';
      readonly workerId: string;
      readonly from: string;
      readonly to: string;
      readonly cause: string;
    }
  /**
   * `from` is NEW when a slot is filled because the pool begins or grows. A process that takes the place of one that
   * ended comes from TERMINATED: `TERMINATED` to `INITIALIZING` is what counts as a restart.
   */
  | {
      readonly kind: 'worker-changed';
      readonly workerId: string;
      readonly from: WorkerState | 'NEW';
      readonly to: WorkerState;
      readonly cause?: string;
    }
  | { readonly kind: 'protection-changed'; readonly active: boolean; readonly reason?: string }
  | { readonly kind: 'process-fault'; readonly origin: FaultOrigin };

/** Hears every event, at once and in order. It must not throw. */
export type SynthesisListener = (event: SynthesisEvent) => void;

/** One worker as it stands. */
export interface WorkerSnapshot {
  /** The name of the slot, such as `worker-1`; a restarted worker keeps it. */
  readonly id: string;
  readonly state: WorkerState;
  readonly pid?: number;
  /** Version of the line protocol that was agreed on, such as `2.1`. */
  readonly protocol?: string;
  readonly model?: string;
  /** Requests that it works on now. */
  readonly inFlight: number;
  /** Requests that it ended, spoken or failed. */
  readonly jobsDone: number;
  /** Times that the process of this slot was started anew. */
  readonly restarts: number;
  readonly consecutiveFailures: number;
  /** 0..1, of the requests that it ended. */
  readonly successRate: number;
  readonly averageResponseMs: number;
  /** 0..100. @see seed 004, "Health Score Calculation" */
  readonly healthScore: number;
  /** Resident memory of its process, bytes. */
  readonly rssBytes?: number;
  readonly breaker: WorkerBreakerState;
  /** When an open breaker lets a trial through, epoch milliseconds. */
  readonly retryAtMs?: number;
  /** What was found wrong with a service elsewhere when it was looked at. */
  readonly fault?: { readonly code: ErrorCode; readonly message: string };
  /** Since when it is in its state, epoch milliseconds. */
  readonly sinceMs: number;
}

/** The queue and the workers as they stand. */
export interface PoolSnapshot {
  readonly mode: PoolMode;
  /** Requests that wait, of every priority together. */
  readonly queueDepth: number;
  readonly queued: { readonly high: number; readonly normal: number; readonly low: number };
  /** Requests that workers work on now. */
  readonly inFlight: number;
  readonly workers: readonly WorkerSnapshot[];
}
