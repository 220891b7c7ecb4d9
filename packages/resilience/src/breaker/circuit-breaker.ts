import { type Clock, systemClock } from '../clock.ts';
import {
  type BreakerOptions,
  checkBreakerOptions,
  cooldownAfterFailedTrial,
  cooldownAfterRecovery,
  DEFAULT_HALF_OPEN_SUCCESSES,
  DEFAULT_TRIAL_EXPIRY_MS,
  isRelapse,
  type BreakerSnapshot,
  type BreakerStatus,
  restoreState,
  toBreakerStatus,
  type Admission,
  type BreakerChangeCause,
  type BreakerListener,
  BreakerRefusedError,
  type BreakerState,
  type Permit,
  type Refusal,
} from './breaker-state.ts';
import { type BreakerStrategy, createStrategy } from './windows.ts';

export interface BreakerSetup {
  readonly clock?: Clock | undefined;
  /** What an earlier breaker with the same options left behind. */
  readonly snapshot?: BreakerSnapshot | undefined;
}

/** A trial usually ends within seconds: a caller that is refused meanwhile may ask again after this. */
const TRIAL_POLL_MS = 1_000;

/**
 * Keeps calls away from a service that fails, and lets single trials find out when it is back. It has no timer: an
 * open breaker becomes half-open at the first request after the cool-down. See ARCHITECTURE.md beside this file.
 *
 * @example
 * import { CircuitBreaker } from '@taleback/resilience';
 * const breaker = new CircuitBreaker({ strategy: { kind: 'consecutive', failures: 5 }, cooldownMs: 60_000 });
 * console.log(await breaker.execute(async () => 'spoken')); // spoken
 */
export class CircuitBreaker {
  readonly #options: BreakerOptions;
  readonly #clock: Clock;
  readonly #strategy: BreakerStrategy;
  #state: BreakerState;
  /** Grows with every change and every trial, so that permits of an earlier period are recognised. */
  #generation = 0;
  #consecutiveFailures = 0;
  /** NaN: none yet. A number in every case, so that the engine stores it without allocating. */
  #lastFailureMs = Number.NaN;
  #lastSuccessMs = Number.NaN;
  #lastError: unknown = undefined;
  #firstCooldownMs: number;
  #closedPermit: Permit | undefined;
  #listeners: BreakerListener[] | undefined;

  /** @throws {RangeError} when an option is out of range */
  constructor(options: BreakerOptions, setup: BreakerSetup = {}) {
    checkBreakerOptions(options);
    this.#options = options;
    this.#clock = setup.clock ?? systemClock;
    this.#strategy = createStrategy(options.strategy);
    this.#firstCooldownMs = options.cooldownMs;
    this.#state = { kind: 'closed', sinceMs: this.#clock.now(), recoveredAfterMs: undefined };
    if (setup.snapshot !== undefined) this.#restore(setup.snapshot);
  }

  /** The last error that counted as a failure, if it was given; not kept across a restart. */
  get lastError(): unknown {
    return this.#lastError;
  }

  /** Requests one call, without throwing or waiting. Closed, it costs a comparison and allocates nothing. */
  tryAdmit(): Admission {
    if (this.#state.kind !== 'closed') return this.#admitOutsideClosed(this.#state);
    this.#closedPermit ??= { admitted: true, generation: this.#generation };
    return this.#closedPermit;
  }

  /** The call succeeded. Changes nothing when the permit belongs to an earlier period. */
  recordSuccess(permit: Permit): void {
    if (permit.generation !== this.#generation) return;
    const nowMs = this.#clock.coarseNow === undefined ? this.#clock.now() : this.#clock.coarseNow();
    this.#consecutiveFailures = 0;
    this.#lastSuccessMs = nowMs;
    if (this.#state.kind === 'half-open') this.#trialSucceeded(this.#state);
    else this.#strategy.onSuccess(nowMs);
  }

  /** The call failed; an error that `isFailure` does not count releases the permit instead. */
  recordFailure(permit: Permit, error?: unknown): void {
    if (permit.generation !== this.#generation) return;
    if (this.#options.isFailure !== undefined && !this.#options.isFailure(error)) {
      this.release(permit);
      return;
    }
    const nowMs = this.#clock.now();
    this.#consecutiveFailures += 1;
    this.#lastFailureMs = nowMs;
    this.#lastError = error;
    if (this.#state.kind === 'half-open') {
      const { cooldownMs, failedTrials } = this.#state;
      const nextMs = cooldownAfterFailedTrial(this.#options, cooldownMs);
      this.#become(openState(nowMs, nextMs, failedTrials + 1), 'trial-failed', nowMs);
    } else if (this.#strategy.onFailure(nowMs, this.#consecutiveFailures)) {
      this.#openFromClosed(nowMs);
    }
  }

  /** The call was never made, or does not count (the caller gave up): another trial may begin. */
  release(permit: Permit): void {
    if (permit.generation !== this.#generation || this.#state.kind !== 'half-open') return;
    this.#generation += 1;
    this.#state = { ...this.#state, trialExpiresAtMs: undefined };
  }

  /**
   * Runs `operation` when admitted, and counts how it ends.
   *
   * @throws {BreakerRefusedError} (as a rejection) when not admitted; `tryAdmit` returns the same at a thousandth of
   *   the cost
   */
  execute<T>(operation: () => PromiseLike<T>): Promise<T> {
    const admission = this.tryAdmit();
    if (!admission.admitted) return Promise.reject(new BreakerRefusedError(admission));
    let running: Promise<T>;
    try {
      running = Promise.resolve(operation());
    } catch (error) {
      this.recordFailure(admission, error);
      return Promise.reject(error);
    }
    // Listening on the operation's own promise, instead of wrapping it, saves the caller a promise and two ticks.
    running.then(
      () => this.recordSuccess(admission),
      (error: unknown) => this.recordFailure(admission, error),
    );
    return running;
  }

  /** Shuts the breaker until `reset`. The results of running calls are ignored. */
  isolate(): void {
    const nowMs = this.#clock.now();
    this.#become({ kind: 'isolated', sinceMs: nowMs }, 'isolated-by-hand', nowMs);
  }

  /** Back to the initial closed state, with no memory of any call. */
  reset(): void {
    const nowMs = this.#clock.now();
    this.#consecutiveFailures = 0;
    this.#lastFailureMs = Number.NaN;
    this.#lastSuccessMs = Number.NaN;
    this.#lastError = undefined;
    this.#firstCooldownMs = this.#options.cooldownMs;
    this.#strategy.reset();
    this.#become({ kind: 'closed', sinceMs: nowMs, recoveredAfterMs: undefined }, 'reset-by-hand', nowMs);
  }

  status(): BreakerStatus {
    return toBreakerStatus(this.snapshot(), this.#clock.now());
  }

  snapshot(): BreakerSnapshot {
    return {
      version: 1,
      state: this.#state,
      consecutiveFailures: this.#consecutiveFailures,
      lastFailureMs: Number.isNaN(this.#lastFailureMs) ? null : this.#lastFailureMs,
      lastSuccessMs: Number.isNaN(this.#lastSuccessMs) ? null : this.#lastSuccessMs,
      firstCooldownMs: this.#firstCooldownMs,
      strategy: { kind: this.#options.strategy.kind, window: this.#strategy.save() },
    };
  }

  /**
   * Calls `listener` after every change of state. If it throws, that is an unhandled rejection and nothing else changes.
   *
   * @returns a function that ends it
   */
  onChange(listener: BreakerListener): () => void {
    this.#listeners = [...(this.#listeners ?? []), listener];
    return () => {
      this.#listeners = this.#listeners?.filter((other) => other !== listener);
    };
  }

  #admitOutsideClosed(state: Exclude<BreakerState, { kind: 'closed' }>): Admission {
    if (state.kind === 'isolated') return refusal('isolated', undefined);
    const nowMs = this.#clock.now();
    if (state.kind === 'open') {
      if (nowMs < state.retryAtMs) return refusal('open', state.retryAtMs - nowMs);
      const { cooldownMs, failedTrials } = state;
      const fresh = { sinceMs: nowMs, successes: 0, trialExpiresAtMs: undefined };
      this.#become({ kind: 'half-open', cooldownMs, failedTrials, ...fresh }, 'cool-down-over', nowMs);
      // A listener may have changed the state again.
      return this.tryAdmit();
    }
    const { trialExpiresAtMs } = state;
    if (trialExpiresAtMs !== undefined && nowMs < trialExpiresAtMs) {
      return refusal('trial-running', Math.min(TRIAL_POLL_MS, trialExpiresAtMs - nowMs));
    }
    this.#generation += 1;
    const expiryMs = this.#options.trialExpiryMs ?? DEFAULT_TRIAL_EXPIRY_MS;
    this.#state = { ...state, trialExpiresAtMs: nowMs + expiryMs };
    return { admitted: true, generation: this.#generation };
  }

  #trialSucceeded(state: Extract<BreakerState, { kind: 'half-open' }>): void {
    const successes = state.successes + 1;
    if (successes < (this.#options.halfOpenSuccesses ?? DEFAULT_HALF_OPEN_SUCCESSES)) {
      this.#generation += 1;
      this.#state = { ...state, successes, trialExpiresAtMs: undefined };
      return;
    }
    const nowMs = this.#clock.now();
    const { cooldownMs, failedTrials } = state;
    this.#firstCooldownMs = cooldownAfterRecovery(this.#options, this.#firstCooldownMs, failedTrials);
    this.#strategy.reset();
    this.#become({ kind: 'closed', sinceMs: nowMs, recoveredAfterMs: cooldownMs }, 'trials-succeeded', nowMs);
  }

  #openFromClosed(nowMs: number): void {
    const state = this.#state;
    const recoveredAfterMs = state.kind === 'closed' ? state.recoveredAfterMs : undefined;
    const relapse = isRelapse(this.#options, nowMs - state.sinceMs, recoveredAfterMs);
    const cooldownMs = relapse
      ? cooldownAfterFailedTrial(this.#options, recoveredAfterMs ?? this.#firstCooldownMs)
      : this.#firstCooldownMs;
    this.#become(openState(nowMs, cooldownMs, relapse ? 1 : 0), 'too-many-failures', nowMs);
  }

  #become(to: BreakerState, cause: BreakerChangeCause, atMs: number): void {
    const from = this.#state;
    this.#state = to;
    this.#generation += 1;
    this.#closedPermit = undefined;
    // A reset of a closed breaker forgets its counts, and changes no state.
    if (from.kind === to.kind) return;
    for (const listener of this.#listeners ?? []) {
      try {
        listener({ cause, from, to, atMs });
      } catch (error) {
        void Promise.reject(error);
      }
    }
  }

  #restore(snapshot: BreakerSnapshot): void {
    this.#state = restoreState(snapshot.state, this.#clock.now());
    this.#consecutiveFailures = snapshot.consecutiveFailures;
    this.#lastFailureMs = snapshot.lastFailureMs ?? Number.NaN;
    this.#lastSuccessMs = snapshot.lastSuccessMs ?? Number.NaN;
    this.#firstCooldownMs = snapshot.firstCooldownMs;
    if (snapshot.strategy.kind === this.#options.strategy.kind) this.#strategy.load(snapshot.strategy.window);
  }
}

function openState(sinceMs: number, cooldownMs: number, failedTrials: number): BreakerState {
  return { kind: 'open', sinceMs, retryAtMs: sinceMs + cooldownMs, cooldownMs, failedTrials };
}

function refusal(reason: Refusal['reason'], retryAfterMs: number | undefined): Refusal {
  return { admitted: false, reason, retryAfterMs };
}
