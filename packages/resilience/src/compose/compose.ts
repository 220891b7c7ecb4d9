import type { CircuitBreaker } from '../breaker/circuit-breaker.ts';
import type { BulkheadRefusalReason } from '../bulkhead/bulkhead.ts';
import { checkNumber } from '../checks.ts';
import type { Classify } from '../classification.ts';
import { type AttemptOptions, checkRetryPolicy, type RetryPolicy } from '../retry.ts';
import {
  type Call,
  type CallOutcome,
  type CallRequest,
  CallRun,
  type Policies,
  toError,
} from './call-run.ts';

export interface ComposedPolicies {
  /**
   * Makes the call through all policies and returns how it ended. Rejects only when `classify` or `onRetry` throws.
   *
   * @throws {RangeError} when the request's timeout is not over 0
   */
  readonly run: <T>(call: Call<T>, request?: CallRequest) => Promise<CallOutcome<T>>;
  /**
   * `run` for callers that want the value or an exception.
   *
   * @throws the call's last error, the signal's reason, or a ResilienceError when a policy rejected the call
   */
  readonly execute: <T>(call: Call<T>, request?: CallRequest) => Promise<T>;
}

const NO_REQUEST: CallRequest = {};
const NEVER_BEGAN = { attempts: 0, lastError: undefined, retryAfterMs: undefined } as const;
const ONE_ATTEMPT: RetryPolicy = {
  maxAttempts: 1,
  backoff: { kind: 'exponential', initialMs: 0, maxMs: 0, jitter: 'none' },
};
const NOTHING_IS_RETRYABLE: Classify = () => ({ retryable: false });

/**
 * Puts policies around calls, in one order:
 *
 * `tenant limit > bulkhead > retry( breaker > rate limit > deadline( call ) )`
 *
 * - A tenant over its limit must not even take a place in the queue.
 * - The bulkhead holds its slot through all attempts and waits: a slow service is not ready for more, and retries
 *   neither overtake the queue nor wait in it again.
 * - Each attempt is admitted, limited and timed separately, and a breaker that opens meanwhile ends the retries.
 * - The breaker comes before the rate limit, so that refused calls use up no tokens; a trial that finds no token gives
 *   its permit back.
 * - A breaker that counts requests comes before the retry instead: `bulkhead > breaker > retry( rate limit > ... )`.
 * - The deadline is innermost, so that a call which hangs is a failure to the breaker and another attempt to the retry.
 *
 * A policy that rejects a call ends it at once, with the time to wait as data. The request's signal ends all of it at
 * any moment.
 *
 * @throws {RangeError} when an option is out of range
 *
 * @example
 * import { compose, createPolicies, kokoro } from '@taleback/resilience';
 * const service = compose(createPolicies(kokoro, { classify: () => ({ retryable: true }) }));
 * const outcome = await service.run(async ({ signal }) => (signal.aborted ? 0 : 1), { tenant: 'ada' });
 * console.log(outcome); // { kind: 'succeeded', value: 1, attempts: 1 }
 */
export function compose(policies: Policies): ComposedPolicies {
  const { retry = ONE_ATTEMPT, classify = NOTHING_IS_RETRYABLE, onRetry, clock, random } = policies;
  checkRetryPolicy(retry);
  checkTimeout(policies.timeoutMs);
  const attemptOptions: AttemptOptions = { ...retry, classify, onRetry, clock, random };

  const countsRequests = policies.breakerCounts === 'requests';
  const outer = countsRequests ? policies.breaker : undefined;
  const inner = countsRequests ? { ...policies, breaker: undefined } : policies;

  const run = <T>(call: Call<T>, request: CallRequest = NO_REQUEST): Promise<CallOutcome<T>> => {
    checkTimeout(request.timeoutMs);
    const { tenantLimit, bulkhead } = policies;
    const taken = tenantLimit?.tryTake(request.tenant ?? '');
    if (taken?.taken === false) {
      const { retryAfterMs } = taken;
      const rejected = { kind: 'rejected', by: 'tenant-limit', reason: 'rate-limited' } as const;
      return Promise.resolve({ ...NEVER_BEGAN, ...rejected, retryAfterMs });
    }
    const callRun = new CallRun(inner, call, request);
    const attempts = (): Promise<CallOutcome<T>> => callRun.outcome(attemptOptions);
    const begin = outer === undefined ? attempts : () => countAsOne(outer, attempts);
    if (bulkhead === undefined) return begin();
    return bulkhead.runOrElse(begin, (reason) => rejectedByBulkhead(reason, request.signal), request);
  };
  return { run, execute: (call, request) => run(call, request).then(valueOf) };
}

function checkTimeout(timeoutMs: number | undefined): void {
  if (timeoutMs === undefined) return;
  checkNumber('timeoutMs', timeoutMs, Number.MIN_VALUE, Number.POSITIVE_INFINITY);
}

function valueOf<T>(outcome: CallOutcome<T>): T {
  if (outcome.kind === 'succeeded') return outcome.value;
  throw toError(outcome);
}

function rejectedByBulkhead(
  reason: BulkheadRefusalReason,
  signal: AbortSignal | undefined,
): CallOutcome<never> {
  if (reason === 'aborted') return { ...NEVER_BEGAN, kind: 'aborted', lastError: signal?.reason };
  return { ...NEVER_BEGAN, kind: 'rejected', by: 'bulkhead', reason };
}

/** Runs a whole request with all its attempts as one call of the breaker. */
async function countAsOne<T>(
  breaker: CircuitBreaker,
  request: () => Promise<CallOutcome<T>>,
): Promise<CallOutcome<T>> {
  const admission = breaker.tryAdmit();
  if (!admission.admitted) {
    const { reason, retryAfterMs } = admission;
    return { ...NEVER_BEGAN, kind: 'rejected', by: 'breaker', reason, retryAfterMs };
  }
  let outcome: CallOutcome<T>;
  try {
    outcome = await request();
  } catch (error) {
    breaker.release(admission);
    throw error;
  }
  // A caller that gave up, or a request that another policy rejected, is no verdict on the service.
  const isNoVerdict = outcome.kind === 'aborted' || (outcome.kind === 'rejected' && outcome.attempts === 0);
  if (outcome.kind === 'succeeded') breaker.recordSuccess(admission);
  else if (isNoVerdict) breaker.release(admission);
  else breaker.recordFailure(admission, outcome.lastError);
  return outcome;
}
