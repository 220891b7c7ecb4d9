import type { Random } from '../backoff.ts';
import { BreakerRefusedError, type Permit, type Refusal } from '../breaker/breaker-state.ts';
import type { CircuitBreaker } from '../breaker/circuit-breaker.ts';
import { type Bulkhead, BulkheadJob, BulkheadRefusedError } from '../bulkhead/bulkhead.ts';
import type { BulkheadRefusalReason, BulkheadRequest } from '../bulkhead/bulkhead.ts';
import type { Classify } from '../classification.ts';
import { type Clock, systemClock } from '../clock.ts';
import { checkTimeout, DeadlineScope } from '../deadline.ts';
import { type KeyedRateLimiter, RateLimitedError, type RateLimiter } from '../rate-limit.ts';
import type { ResilienceError } from '../resilience-error.ts';
import {
  abortedAfter,
  afterFailure,
  type AttemptOptions,
  checkRetryPolicy,
  startOfBudget,
} from '../retry.ts';
import type { RetryNotice, RetryOutcome, RetryPolicy } from '../retry.ts';

/** What `compose` puts around a call. Every part may be absent; the same part may serve several compositions. */
export interface Policies {
  /** Calls per tenant, counted once per request. */
  readonly tenantLimit?: KeyedRateLimiter | undefined;
  readonly bulkhead?: Bulkhead | undefined;
  /** Absent: one attempt. */
  readonly retry?: RetryPolicy | undefined;
  /** Which errors are worth another attempt. Default: none. */
  readonly classify?: Classify | undefined;
  readonly breaker?: CircuitBreaker | undefined;
  /** Whether every attempt is a call of the breaker, or a request with all its attempts. Default 'attempts'. */
  readonly breakerCounts?: 'attempts' | 'requests' | undefined;
  /** Calls to the service, counted once per attempt. */
  readonly rateLimit?: RateLimiter | undefined;
  /** Time for one attempt, ms. Default: no limit. */
  readonly timeoutMs?: number | undefined;
  readonly onRetry?: ((notice: RetryNotice) => void) | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
}

/** Priority, tenant and signal are the bulkhead's; the signal also ends the call itself. */
export interface CallRequest extends BulkheadRequest {
  /** Time for one attempt (1-based), ms, instead of the policies' own: for timeouts that depend on the request. */
  readonly timeoutMs?: number | ((attempt: number) => number) | undefined;
  /** Time for all attempts and the waits between them, ms, instead of the retry policy's: attempts are cut short too. */
  readonly budgetMs?: number | undefined;
}

export interface CallContext {
  /** 1-based. */
  readonly attempt: number;
  /** Aborts when this attempt's time is up or the caller's signal aborts. Made when first read. */
  readonly signal: AbortSignal;
}

export type Call<T> = (context: CallContext) => PromiseLike<T>;

/** How a composed call ended: as a retry does, or rejected by a policy. */
export type CallOutcome<T> = RetryOutcome<T> | CallRejected;

export type CallRejected = Rejection & {
  readonly kind: 'rejected';
  readonly attempts: number;
  /** What the last of them threw, if there was one. */
  readonly lastError: unknown;
};

export type Rejection = {
  /** ms until trying again makes sense, when known. */
  readonly retryAfterMs: number | undefined;
} & (
  | { readonly by: 'breaker'; readonly reason: Refusal['reason'] }
  | { readonly by: 'bulkhead'; readonly reason: Exclude<BulkheadRefusalReason, 'aborted'> }
  | { readonly by: 'rate-limit' | 'tenant-limit'; readonly reason: 'rate-limited' }
);

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
  if (policies.timeoutMs !== undefined) checkTimeout(policies.timeoutMs);
  const options: AttemptOptions = { ...retry, classify, onRetry, clock, random };

  const start = <T, R>(call: Call<T>, request: CallRequest, conclude: Conclude<T, R>): Promise<R> => {
    if (typeof request.timeoutMs === 'number') checkTimeout(request.timeoutMs);
    return new Promise<R>((resolve, reject) => {
      const { signal, timeoutMs = policies.timeoutMs ?? Number.POSITIVE_INFINITY, budgetMs } = request;
      const own = { options: budgetMs === undefined ? options : { ...options, budgetMs }, timeoutMs };
      new CallRun({ policies, ...own, call, signal, conclude, resolve, reject }).enter(request);
    });
  };
  return {
    run: (call, request = NO_REQUEST) => start(call, request, concludeWithOutcome),
    execute: (call, request = NO_REQUEST) => start(call, request, concludeWithValue),
  };
}

type Reject = (error: unknown) => void;
type Conclude<T, R> = (outcome: CallOutcome<T>, resolve: (result: R) => void, reject: Reject) => void;

function concludeWithOutcome<T>(outcome: CallOutcome<T>, resolve: (result: CallOutcome<T>) => void): void {
  resolve(outcome);
}

function concludeWithValue<T>(outcome: CallOutcome<T>, resolve: (result: T) => void, reject: Reject): void {
  if (outcome.kind === 'succeeded') resolve(outcome.value);
  else reject(outcome.kind === 'rejected' ? toError(outcome) : outcome.lastError);
}

function toError(rejected: CallRejected): ResilienceError {
  if (rejected.by === 'breaker') return new BreakerRefusedError(rejected);
  if (rejected.by === 'bulkhead') return new BulkheadRefusedError(rejected.reason);
  return new RateLimitedError(rejected.retryAfterMs);
}

interface RunParts<T, R> {
  readonly policies: Policies;
  readonly options: AttemptOptions;
  readonly call: Call<T>;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | ((attempt: number) => number);
  readonly conclude: Conclude<T, R>;
  readonly resolve: (result: R) => void;
  readonly reject: Reject;
}

/** One request on its way through the policies. Each step calls the next, because promises in between cost time. */
class CallRun<T, R> extends BulkheadJob {
  /** Keeps the shape alive, as that of a `DeadlineScope`. */
  static readonly kept = new CallRun<unknown, unknown>({} as RunParts<unknown, unknown>);
  readonly #parts: RunParts<T, R>;
  #bulkhead: Bulkhead | undefined = undefined;
  /** Of a breaker that counts requests. */
  #requestPermit: Permit | undefined = undefined;
  #startedMs = 0;
  #lastError: unknown = undefined;

  constructor(parts: RunParts<T, R>) {
    super();
    this.#parts = parts;
  }

  enter(request: CallRequest): void {
    const { policies, signal } = this.#parts;
    const taken = policies.tenantLimit?.tryTake(request.tenant ?? '');
    if (taken?.taken === false) {
      this.#reject({ by: 'tenant-limit', reason: 'rate-limited', retryAfterMs: taken.retryAfterMs }, 0);
    } else if (policies.bulkhead !== undefined) policies.bulkhead.enter(this, request);
    else if (signal?.aborted === true) this.refuse('aborted');
    else this.begin(undefined);
  }

  refuse(reason: BulkheadRefusalReason): void {
    if (reason === 'aborted') this.#end(abortedAfter(0, this.#parts.signal));
    else this.#reject({ by: 'bulkhead', reason, retryAfterMs: undefined }, 0);
  }

  begin(bulkhead: Bulkhead | undefined): void {
    this.#bulkhead = bulkhead;
    const { policies, options } = this.#parts;
    if (policies.breakerCounts === 'requests') {
      const admission = policies.breaker?.tryAdmit();
      if (admission?.admitted === false) return this.#reject(byBreaker(admission), 0);
      this.#requestPermit = admission;
    }
    this.#startedMs = startOfBudget(options);
    this.#attempt(1);
  }

  #attempt(attempt: number): void {
    const { policies, options, call, signal, timeoutMs } = this.#parts;
    const breaker = policies.breakerCounts === 'requests' ? undefined : policies.breaker;
    const permit = breaker?.tryAdmit();
    if (permit?.admitted === false) return this.#reject(byBreaker(permit), attempt - 1);
    let taken: ReturnType<RateLimiter['tryTake']> | undefined;
    try {
      taken = policies.rateLimit?.tryTake();
    } catch (fault) {
      if (permit !== undefined) breaker?.release(permit);
      return this.#break(fault);
    }
    if (taken?.taken === false) {
      if (permit !== undefined) breaker?.release(permit);
      const { retryAfterMs } = taken;
      return this.#reject({ by: 'rate-limit', reason: 'rate-limited', retryAfterMs }, attempt - 1);
    }
    const onEnd = (succeeded: boolean, result: unknown): void => {
      try {
        if (permit === undefined) return;
        if (succeeded) breaker?.recordSuccess(permit);
        // The end of a call whose caller gave up is no verdict on the service.
        else if (signal?.aborted === true) breaker?.release(permit);
        else breaker?.recordFailure(permit, result);
      } finally {
        if (succeeded) this.#end({ kind: 'succeeded', value: result as T, attempts: attempt });
        else this.#continueAfter(attempt, result);
      }
    };
    const { clock = systemClock } = policies;
    let limitMs = typeof timeoutMs === 'number' ? timeoutMs : timeoutMs(attempt);
    if (options.budgetMs !== undefined)
      limitMs = Math.max(1, Math.min(limitMs, this.#startedMs + options.budgetMs - clock.now()));
    new DeadlineScope<T>(limitMs, signal, onEnd, attempt).start(clock, call);
  }

  #continueAfter(attempt: number, error: unknown): void {
    this.#lastError = error;
    const { options, signal } = this.#parts;
    afterFailure({ attempt, error, startedMs: this.#startedMs }, options, signal).then(
      (failure) => (failure === undefined ? this.#attempt(attempt + 1) : this.#end(failure)),
      (fault: unknown) => this.#break(fault),
    );
  }

  /** Ends the request with a fault of a policy, which says nothing of the service. */
  #break(fault: unknown): void {
    if (this.#requestPermit !== undefined) this.#parts.policies.breaker?.release(this.#requestPermit);
    this.#parts.reject(fault);
    this.#bulkhead?.leave();
  }

  #reject(rejection: Rejection, attempts: number): void {
    this.#end({ kind: 'rejected', ...rejection, attempts, lastError: this.#lastError });
  }

  #end(outcome: CallOutcome<T>): void {
    const { conclude, resolve, reject } = this.#parts;
    try {
      if (this.#requestPermit !== undefined) this.#recordRequest(this.#requestPermit, outcome);
      conclude(outcome, resolve, reject);
    } catch (error) {
      reject(error);
    } finally {
      this.#bulkhead?.leave();
    }
  }

  /** A caller that gave up, or a request that another policy rejected, is no verdict on the service. */
  #recordRequest(permit: Permit, outcome: CallOutcome<T>): void {
    const { breaker } = this.#parts.policies;
    const isNoVerdict = outcome.kind === 'aborted' || (outcome.kind === 'rejected' && outcome.attempts === 0);
    if (outcome.kind === 'succeeded') breaker?.recordSuccess(permit);
    else if (isNoVerdict) breaker?.release(permit);
    else breaker?.recordFailure(permit, outcome.lastError);
  }
}

function byBreaker({ reason, retryAfterMs }: Refusal): Rejection {
  return { by: 'breaker', reason, retryAfterMs };
}
