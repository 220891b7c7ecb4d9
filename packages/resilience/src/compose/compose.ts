import type { Permit } from '../breaker/breaker-state.ts';
import type { CircuitBreaker } from '../breaker/circuit-breaker.ts';
import type { BulkheadRefusalReason } from '../bulkhead/bulkhead.ts';
import { checkNumber } from '../checks.ts';
import { type Call, type CallOutcome, type CallRequest, CallRun, toError } from './call-run.ts';
import type { Policies } from './policies.ts';
import type { Classify } from '../retry/classification.ts';
import { type RetryPolicy, checkRetryPolicy } from '../retry/retry-policy.ts';
import type { AttemptOptions } from '../retry/retry.ts';

export interface ComposedPolicies {
  /**
   * Makes the call through all policies and says how it ended. Rejects only when `classify` or `onRetry` throws.
   *
   * @throws {RangeError} when the request's timeout is not over 0
   */
  readonly run: <T>(call: Call<T>, request?: CallRequest) => Promise<CallOutcome<T>>;
  /**
   * `run` for callers that want the value or an exception.
   *
   * @throws the call's last error, the signal's reason, or a ResilienceError when a policy turned the call away
   */
  readonly execute: <T>(call: Call<T>, request?: CallRequest) => Promise<T>;
}

const NO_REQUEST: CallRequest = {};
const NEVER_BEGUN = { attempts: 0, lastError: undefined, retryAfterMs: undefined } as const;
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
 * - The tenant limit stands at the door: a tenant over its limit must not even take up queue.
 * - The bulkhead holds its slot through all attempts and the waits between: a service that makes us wait is not ready
 *   for more, and retries must not jump the queue nor wait in it again.
 * - Inside the retry, everything counts attempts, for these are what the service sees: each is admitted, limited and
 *   timed on its own, and a breaker that opens meanwhile ends the retries.
 * - The breaker comes before the rate limit, so that refused calls use up no tokens; a trial that finds no token gives
 *   its permit back.
 * - A breaker that counts requests stands before the retry instead: `bulkhead > breaker > retry( rate limit > ... )`.
 * - The deadline is innermost, so that a call which hangs is a failure to the breaker and another attempt to the retry.
 *
 * A policy that turns a call away ends it at once, with the time to wait as data: whoever queued it can wait better
 * than a held slot can. One signal, the request's, ends all of it at any moment.
 *
 * @throws {RangeError} when an option is out of range
 */
export function compose(policies: Policies): ComposedPolicies {
  if (policies.retry !== undefined) checkRetryPolicy(policies.retry);
  checkTimeout(policies.timeoutMs);

  const { retry = ONE_ATTEMPT, classify = NOTHING_IS_RETRYABLE, onRetry, clock, random } = policies;
  const { maxAttempts, backoff, budgetMs, maxRetryAfterMs } = retry;
  const attemptOptions: AttemptOptions = {
    maxAttempts,
    backoff,
    budgetMs,
    maxRetryAfterMs,
    classify,
    onRetry,
    clock,
    random,
  };

  const countsRequests = policies.breakerCounts === 'requests';
  const outer = countsRequests ? policies.breaker : undefined;
  const inner = countsRequests ? { ...policies, breaker: undefined } : policies;

  const run = <T>(call: Call<T>, request: CallRequest = NO_REQUEST): Promise<CallOutcome<T>> => {
    checkTimeout(request.timeoutMs);
    const { tenantLimit, bulkhead } = policies;
    const taken = tenantLimit?.tryTake(request.tenant ?? '');
    if (taken?.taken === false) return Promise.resolve(rejectedAtTheDoor(taken.retryAfterMs));
    const callRun = new CallRun(inner, call, request);
    const attempts = (): Promise<CallOutcome<T>> => callRun.outcome(attemptOptions);
    const begin = outer === undefined ? attempts : () => countAsOne(outer, attempts);
    if (bulkhead === undefined) return begin();
    return bulkhead.runOrElse(begin, (reason) => rejectedByBulkhead(reason, request.signal), request);
  };

  return {
    run,
    execute: (call, request) => run(call, request).then(valueOf),
  };
}

function checkTimeout(timeoutMs: number | undefined): void {
  if (timeoutMs === undefined) return;
  checkNumber('timeoutMs', timeoutMs, Number.MIN_VALUE, Number.POSITIVE_INFINITY);
}

function valueOf<T>(outcome: CallOutcome<T>): T {
  if (outcome.kind === 'succeeded') return outcome.value;
  throw toError(outcome);
}

function rejectedAtTheDoor(retryAfterMs: number): CallOutcome<never> {
  return { ...NEVER_BEGUN, kind: 'rejected', by: 'tenant-limit', reason: 'rate-limited', retryAfterMs };
}

function rejectedByBulkhead(
  reason: BulkheadRefusalReason,
  signal: AbortSignal | undefined,
): CallOutcome<never> {
  if (reason === 'aborted') return { ...NEVER_BEGUN, kind: 'aborted', lastError: signal?.reason };
  return { ...NEVER_BEGUN, kind: 'rejected', by: 'bulkhead', reason };
}

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
