import type { Random } from '../backoff.ts';
import { BreakerRefusedError, type Permit, type Refusal } from '../breaker/breaker-state.ts';
import type { CircuitBreaker } from '../breaker/circuit-breaker.ts';
import {
  type Bulkhead,
  type BulkheadRefusalReason,
  BulkheadRefusedError,
  type BulkheadRequest,
} from '../bulkhead/bulkhead.ts';
import { assertNever } from '../checks.ts';
import type { Classify } from '../classification.ts';
import { type Clock, systemClock } from '../clock.ts';
import { DeadlineScope } from '../deadline.ts';
import { type KeyedRateLimiter, RateLimitedError, type RateLimiter } from '../rate-limit.ts';
import {
  type Attemptable,
  type AttemptContext,
  type AttemptOptions,
  type RetryNotice,
  type RetryOutcome,
  type RetryPolicy,
  runAttempts,
} from '../retry.ts';

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
  /** Time for one attempt, ms, instead of the policies' own: for timeouts that depend on the request. */
  readonly timeoutMs?: number | undefined;
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
  /** Attempts that were made before. */
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

/** The exception for an outcome without a value. */
export function toError(outcome: Exclude<CallOutcome<unknown>, { kind: 'succeeded' }>): unknown {
  if (outcome.kind !== 'rejected') return outcome.lastError;
  switch (outcome.by) {
    case 'breaker':
      return new BreakerRefusedError(outcome);
    case 'bulkhead':
      return new BulkheadRefusedError(outcome.reason);
    case 'rate-limit':
    case 'tenant-limit':
      return new RateLimitedError(outcome.retryAfterMs);
    default:
      return assertNever(outcome);
  }
}

/** Ends the attempts from within one, without the price of an exception. */
class Stop {
  readonly rejection: Rejection;

  constructor(rejection: Rejection) {
    this.rejection = rejection;
  }
}

/** One request inside the bulkhead: its attempts, and what each of them passes through. */
export class CallRun<T> implements Attemptable<T | Stop, CallOutcome<T>> {
  readonly policies: Policies;
  readonly request: CallRequest;
  readonly #call: Call<T>;
  lastError: unknown;

  constructor(policies: Policies, call: Call<T>, request: CallRequest) {
    this.policies = policies;
    this.request = request;
    this.#call = call;
    this.lastError = undefined;
  }

  outcome(options: AttemptOptions): Promise<CallOutcome<T>> {
    return runAttempts(this, options, this.request.signal);
  }

  attempt({ attempt }: AttemptContext): Promise<T | Stop> {
    const { breaker, rateLimit, clock = systemClock } = this.policies;
    const admission = breaker?.tryAdmit();
    if (admission?.admitted === false) {
      const { reason, retryAfterMs } = admission;
      return Promise.resolve(new Stop({ by: 'breaker', reason, retryAfterMs }));
    }
    const taken = rateLimit?.tryTake();
    if (taken?.taken === false) {
      if (admission !== undefined) breaker?.release(admission);
      const { retryAfterMs } = taken;
      return Promise.resolve(new Stop({ by: 'rate-limit', reason: 'rate-limited', retryAfterMs }));
    }
    return new AttemptScope<T>(this, attempt, admission).run(clock, this.#call);
  }

  conclude(value: T | Stop, attempts: number): CallOutcome<T> {
    if (!(value instanceof Stop)) return { kind: 'succeeded', value, attempts };
    return { kind: 'rejected', ...value.rejection, attempts: attempts - 1, lastError: this.lastError };
  }
}

/** One attempt: its deadline is the context that the call gets, and reports the end to the breaker. */
class AttemptScope<T> extends DeadlineScope<T> implements CallContext {
  readonly attempt: number;
  readonly #run: CallRun<T>;
  readonly #permit: Permit | undefined;

  constructor(run: CallRun<T>, attempt: number, permit: Permit | undefined) {
    super(run.request.timeoutMs ?? run.policies.timeoutMs ?? Number.POSITIVE_INFINITY, run.request.signal);
    this.attempt = attempt;
    this.#run = run;
    this.#permit = permit;
  }

  /** The end of a call whose caller gave up is no verdict on the service. */
  protected override onEnd(succeeded: boolean, error: unknown): void {
    if (!succeeded) this.#run.lastError = error;
    const { breaker } = this.#run.policies;
    if (breaker === undefined || this.#permit === undefined) return;
    if (succeeded) breaker.recordSuccess(this.#permit);
    else if (this.#run.request.signal?.aborted === true) breaker.release(this.#permit);
    else breaker.recordFailure(this.#permit, error);
  }
}
