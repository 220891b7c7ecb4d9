import { TalebackError, toTalebackError } from '@taleback/core';
import { type BreakerChange, type CircuitBreaker, isResilienceError } from '@taleback/resilience';
import type { LastFailure, SynthesisEvent, WorkerSnapshot } from './speech-line.ts';

/** What an attempt threw, as a TalebackError. */
export const engineError = (error: unknown, engine: string): TalebackError =>
  isResilienceError(error) && error.code === 'deadline-exceeded'
    ? new TalebackError('timed_out', `The speech service ${engine} took too long.`, {
        details: `no answer within ${error.details['timeoutMs']} ms`,
        cause: error,
      })
    : toTalebackError(error);

type BreakerReport = Pick<
  WorkerSnapshot,
  'breaker' | 'retryAtMs' | 'consecutiveFailures' | 'lastFailure' | 'lastSuccessAtMs'
>;

/** A breaker in the snapshot of its worker or service. @see docs/origins.md#breaker-status */
export const reportBreaker = (breaker: CircuitBreaker, name: string, nowMs: number): BreakerReport => {
  const { state, consecutiveFailures, lastFailure, lastSuccess, retryAfterMs } = breaker.status();
  return {
    breaker: state,
    retryAtMs: retryAfterMs === null ? undefined : nowMs + retryAfterMs,
    consecutiveFailures,
    lastFailure: lastFailure === null ? undefined : failureOf(breaker.lastError, name, lastFailure.getTime()),
    lastSuccessAtMs: lastSuccess?.getTime(),
  };
};

const failureOf = (error: unknown, name: string, atMs: number): LastFailure => {
  const { code, message } = engineError(error, name);
  return { code, message, atMs };
};

export const breakerChanged = (
  breaker: CircuitBreaker,
  workerId: string,
  { from, to, cause, atMs }: BreakerChange,
): SynthesisEvent => {
  const { consecutiveFailures, lastFailure, retryAtMs } = reportBreaker(breaker, workerId, atMs);
  const states = { from: from.kind, to: to.kind, cause };
  return { kind: 'breaker-changed', workerId, ...states, consecutiveFailures, lastFailure, retryAtMs };
};
