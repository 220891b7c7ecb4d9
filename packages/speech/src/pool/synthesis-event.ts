import type { ErrorCode, ErrorReport } from '@taleback/core';
import type { Priority } from '@taleback/resilience';
import { durationMsOf, type Pcm } from '../audio/pcm.ts';
import type { WorkerState } from './pool-snapshot.ts';

export type FaultOrigin = 'unhandledRejection' | 'uncaughtException';

/** One event per thing that happened in the speech service, in the order it happened. */
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
  /** A request was handed to a worker after `waitedMs` in the queue; choosing the worker took `routingMs`. */
  | {
      readonly kind: 'dispatched';
      readonly workerId: string;
      readonly waitedMs: number;
      readonly routingMs?: number;
    }
  | {
      readonly kind: 'attempt-ended';
      readonly workerId: string;
      /** From the dispatch to the worker's answer. */
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
  /** `from` is NEW when the pool begins or grows. `TERMINATED` to `INITIALIZING` is what counts as a restart. */
  | {
      readonly kind: 'worker-changed';
      readonly workerId: string;
      readonly from: WorkerState | 'NEW';
      readonly to: WorkerState;
      readonly cause?: string;
    }
  | { readonly kind: 'protection-changed'; readonly active: boolean; readonly reason?: string }
  | { readonly kind: 'process-fault'; readonly origin: FaultOrigin };

/** Receives every event, at once and in order. It must not throw. */
export type SynthesisListener = (event: SynthesisEvent) => void;

/** How one attempt at a request ended. */
export type AttemptEnd =
  | { readonly kind: 'spoken'; readonly sound: Pcm }
  | { readonly kind: 'failed'; readonly error: Pick<ErrorReport, 'code'> };

export const attemptEnded = (workerId: string, end: AttemptEnd, generationMs: number): SynthesisEvent => ({
  kind: 'attempt-ended',
  workerId,
  generationMs,
  outcome: end.kind,
  ...(end.kind === 'failed' ? { code: end.error.code } : {}),
});

export const requestSpoken = (
  latencyMs: number,
  { samples, sampleRateHz }: Pcm,
  text: string,
): SynthesisEvent => ({
  kind: 'ended',
  outcome: 'spoken',
  latencyMs,
  audioMs: durationMsOf(samples.length, sampleRateHz),
  characters: text.length,
});
