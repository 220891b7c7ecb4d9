import type { CircuitBreaker, Permit } from '../breaker/index.ts';
import type { CallOutcome } from './call-outcome.ts';

/** Runs a whole request, attempts and all, as one call of the breaker. */
export async function countAsOne<T>(
  breaker: CircuitBreaker,
  request: () => Promise<CallOutcome<T>>,
): Promise<CallOutcome<T>> {
  const admission = breaker.tryAdmit();
  if (!admission.admitted) {
    const { reason, retryAfterMs } = admission;
    return { kind: 'rejected', by: 'breaker', reason, retryAfterMs, attempts: 0, lastError: undefined };
  }
  let outcome: CallOutcome<T>;
  try {
    outcome = await request();
  } catch (error) {
    breaker.release(admission);
    throw error;
  }
  record(breaker, admission, outcome);
  return outcome;
}

/** A caller that gave up, or a request that another policy turned away, says nothing about the service. */
function record(breaker: CircuitBreaker, permit: Permit, outcome: CallOutcome<unknown>): void {
  if (outcome.kind === 'succeeded') breaker.recordSuccess(permit);
  else if (outcome.kind === 'aborted') breaker.release(permit);
  else if (outcome.kind === 'rejected' && outcome.attempts === 0) breaker.release(permit);
  else breaker.recordFailure(permit, outcome.lastError);
}
