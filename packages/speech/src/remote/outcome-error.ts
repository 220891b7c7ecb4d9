import { TalebackError, toTalebackError } from '@taleback/core';
import { type CallOutcome, isResilienceError } from '@taleback/resilience';

type BadEnd = Exclude<CallOutcome<unknown>, { kind: 'succeeded' }>;

/** Why a service was not asked, or what its last answer was, as an error of the engine. */
export const outcomeError = (outcome: BadEnd, engine: string): TalebackError =>
  outcome.kind === 'rejected' ? rejection(outcome, engine) : engineError(outcome.lastError, engine);

const rejection = (outcome: Extract<BadEnd, { kind: 'rejected' }>, engine: string): TalebackError => {
  const { retryAfterMs, lastError } = outcome;
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
  if (outcome.by === 'bulkhead') {
    return new TalebackError('queue_full', `Too many texts are waiting for ${engine}.`, {
      details: outcome.reason,
    });
  }
  if (outcome.by !== 'breaker') {
    return new TalebackError('provider_rate_limited', `${engine} is asked as often as it may be.`, wait);
  }
  // It opened during the attempts: the error that opened it says more than the refusal.
  if (lastError !== undefined) return engineError(lastError, engine);
  return new TalebackError('circuit_open', `The speech service ${engine} has failed too often.`, {
    details: `the circuit breaker of ${engine} is ${outcome.reason}`,
    ...wait,
  });
};

/** What an attempt threw, as a TalebackError. */
export const engineError = (error: unknown, engine: string): TalebackError =>
  isResilienceError(error) && error.code === 'deadline-exceeded'
    ? new TalebackError('timed_out', `The speech service ${engine} took too long.`, {
        details: `no answer within ${error.details['timeoutMs']} ms`,
        cause: error,
      })
    : toTalebackError(error);
