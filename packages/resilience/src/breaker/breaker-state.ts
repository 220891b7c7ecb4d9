import { checkInteger, checkNumber, assertNever } from '../checks.ts';
import type { StrategyOptions } from './windows.ts';
import { ResilienceError } from '../resilience-error.ts';

/** Plain data, so that it can stand in a profile; one object may serve any number of breakers. */
export interface BreakerOptions {
  readonly strategy: StrategyOptions;
  /** Time between opening and the first trial, ms. */
  readonly cooldownMs: number;
  /** Trials in a row that must succeed before it closes. Default 2. */
  readonly halfOpenSuccesses?: number;
  /** A trial whose permit is not handed back by then is lost and makes room for another, ms. Default 120_000. */
  readonly trialExpiryMs?: number;
  /** Lets the cool-down adapt. Default: it never changes. */
  readonly adaptive?: AdaptiveCooldown;
  /** Whether an error counts against the service. Others (a bad request) count neither way. Default: all do. */
  readonly isFailure?: (error: unknown) => boolean;
}

/** Bounds of an adaptive cool-down, ms. `minMs <= cooldownMs <= maxMs` of the breaker's options. */
export interface AdaptiveCooldown {
  readonly minMs: number;
  readonly maxMs: number;
}

/** @see docs/origins.md#circuit-breaker */
export const DEFAULT_HALF_OPEN_SUCCESSES = 2;
/** Twice the longest usual call (60 s), so that only a permit that leaked is ever taken for lost. */
export const DEFAULT_TRIAL_EXPIRY_MS = 120_000;

/** @throws {RangeError} naming the field that is out of range; `createStrategy` checks the strategy's */
export function checkBreakerOptions(options: BreakerOptions): void {
  checkNumber('cooldownMs', options.cooldownMs, 0);
  checkInteger('halfOpenSuccesses', options.halfOpenSuccesses ?? DEFAULT_HALF_OPEN_SUCCESSES, 1);
  checkNumber('trialExpiryMs', options.trialExpiryMs ?? DEFAULT_TRIAL_EXPIRY_MS, 1);
  if (options.adaptive === undefined) return;
  checkNumber('adaptive.minMs', options.adaptive.minMs, 0, options.cooldownMs);
  checkNumber('adaptive.maxMs', options.adaptive.maxMs, options.cooldownMs);
}

/** A persistent outage: twice as long as the cool-down that was not enough, up to `maxMs`. */
export function cooldownAfterFailedTrial({ adaptive }: BreakerOptions, cooldownMs: number): number {
  return adaptive === undefined ? cooldownMs : Math.min(adaptive.maxMs, cooldownMs * 2);
}

/**
 * The first cool-down of the next outage. After a quick recovery (the first trials succeeded): half as long, down to
 * `minMs`. After a slow one: `cooldownMs` again.
 *
 * @see docs/origins.md#reuse-and-adaptation
 */
export function cooldownAfterRecovery(
  options: BreakerOptions,
  firstCooldownMs: number,
  failedTrials: number,
): number {
  if (options.adaptive === undefined || failedTrials > 0) return options.cooldownMs;
  return Math.max(options.adaptive.minMs, firstCooldownMs / 2);
}

/** Closed for less than the cool-down before it: the outage was never over. */
export function isRelapse(
  { adaptive }: BreakerOptions,
  closedForMs: number,
  recoveredAfterMs: number | undefined,
): recoveredAfterMs is number {
  return adaptive !== undefined && recoveredAfterMs !== undefined && closedForMs < recoveredAfterMs;
}

/** What the breaker does with calls, and the data that belongs to it. Times are epoch ms of the injected clock. */
export type BreakerState =
  /** Every call is admitted. */
  | {
      readonly kind: 'closed';
      readonly sinceMs: number;
      /** The last cool-down of the outage it recovered from, if any. */
      readonly recoveredAfterMs: number | undefined;
    }
  /** No call is admitted before `retryAtMs`. */
  | {
      readonly kind: 'open';
      readonly sinceMs: number;
      readonly retryAtMs: number;
      readonly cooldownMs: number;
      readonly failedTrials: number;
    }
  /** One trial at a time is admitted. */
  | {
      readonly kind: 'half-open';
      readonly sinceMs: number;
      readonly cooldownMs: number;
      readonly failedTrials: number;
      /** Trials that succeeded since it is half-open. */
      readonly successes: number;
      /** When the running trial counts as lost; undefined when none runs. */
      readonly trialExpiresAtMs: number | undefined;
    }
  /** Shut by hand until reset by hand. */
  | { readonly kind: 'isolated'; readonly sinceMs: number };

export type BreakerChangeCause =
  | 'too-many-failures'
  | 'cool-down-over'
  | 'trial-failed'
  | 'trials-succeeded'
  | 'isolated-by-hand'
  | 'reset-by-hand';

/** A change of state. Trials that begin and end within half-open are no change. */
export interface BreakerChange {
  readonly cause: BreakerChangeCause;
  readonly from: BreakerState;
  readonly to: BreakerState;
  readonly atMs: number;
}

export type BreakerListener = (change: BreakerChange) => void;

/**
 * The right to make one call. Plain data: hand it back once, with recordSuccess, recordFailure or release.
 * `generation` names the period it was given in; a permit of an earlier period changes nothing.
 */
export interface Permit {
  readonly admitted: true;
  readonly generation: number;
}

export interface Refusal {
  readonly admitted: false;
  readonly reason: 'open' | 'trial-running' | 'isolated';
  /** ms until another call makes sense; undefined when isolated. */
  readonly retryAfterMs: number | undefined;
}

export type Admission = Permit | Refusal;

/** Thrown by `execute` only. */
export class BreakerRefusedError extends ResilienceError {
  readonly code = 'breaker-refused';
  readonly reason: Refusal['reason'];

  constructor({ reason, retryAfterMs }: Omit<Refusal, 'admitted'>) {
    super(`The circuit breaker refused the call: ${reason}`, retryAfterMs, { reason });
    this.reason = reason;
  }
}

/** The breaker's health for a page or an endpoint. @see docs/origins.md#breaker-status */
export interface BreakerStatus {
  readonly state: 'CLOSED' | 'OPEN' | 'HALF_OPEN' | 'ISOLATED';
  /** Whether calls are refused without trying: open or isolated. */
  readonly circuitOpen: boolean;
  readonly halfOpen: boolean;
  readonly isolated: boolean;
  readonly consecutiveFailures: number;
  readonly lastFailure: Date | null;
  readonly lastSuccess: Date | null;
  /** ms until the next trial may begin; null unless open. */
  readonly retryAfterMs: number | null;
}

/** Everything a breaker knows, as JSON: saved before a restart and given to the breaker after it. */
export interface BreakerSnapshot {
  readonly version: 1;
  readonly state: BreakerState;
  readonly consecutiveFailures: number;
  readonly lastFailureMs: number | null;
  readonly lastSuccessMs: number | null;
  /** The cool-down the next outage begins with. */
  readonly firstCooldownMs: number;
  readonly strategy: { readonly kind: StrategyOptions['kind']; readonly window: readonly number[] };
}

const toDate = (epochMs: number | null): Date | null => (epochMs === null ? null : new Date(epochMs));

/** An open breaker whose cool-down is over counts as half-open: it has no timer that would make it so. */
export function toBreakerStatus(
  { state, consecutiveFailures, lastFailureMs, lastSuccessMs }: BreakerSnapshot,
  nowMs: number,
): BreakerStatus {
  const isolated = state.kind === 'isolated';
  const halfOpen = state.kind === 'half-open' || (state.kind === 'open' && nowMs >= state.retryAtMs);
  const open = state.kind === 'open' && !halfOpen;
  return {
    state: isolated ? 'ISOLATED' : halfOpen ? 'HALF_OPEN' : open ? 'OPEN' : 'CLOSED',
    circuitOpen: open || isolated,
    halfOpen,
    isolated,
    consecutiveFailures,
    lastFailure: toDate(lastFailureMs),
    lastSuccess: toDate(lastSuccessMs),
    retryAfterMs: open ? state.retryAtMs - nowMs : null,
  };
}

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null;
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isNumberOrNull = (value: unknown): boolean => value === null || isNumber(value);
const isNumberOrAbsent = (value: unknown): boolean => value === undefined || isNumber(value);

/**
 * Takes a value from disk or the wire; undefined unless it is a complete, well-typed snapshot of this version.
 *
 * @example
 * import { CircuitBreaker, parseBreakerSnapshot } from '@taleback/resilience';
 * const options = { strategy: { kind: 'consecutive', failures: 5 }, cooldownMs: 60_000 } as const;
 * const saved = JSON.stringify(new CircuitBreaker(options).snapshot());
 * const snapshot = parseBreakerSnapshot(JSON.parse(saved));
 * console.log(new CircuitBreaker(options, { snapshot }).status().state); // CLOSED
 */
export function parseBreakerSnapshot(value: unknown): BreakerSnapshot | undefined {
  const complete =
    isFields(value) &&
    value['version'] === 1 &&
    isState(value['state']) &&
    isNumber(value['consecutiveFailures']) &&
    isNumberOrNull(value['lastFailureMs']) &&
    isNumberOrNull(value['lastSuccessMs']) &&
    isNumber(value['firstCooldownMs']) &&
    isFields(value['strategy']) &&
    typeof value['strategy']['kind'] === 'string' &&
    Array.isArray(value['strategy']['window']) &&
    value['strategy']['window'].every(isNumber);
  return complete ? (value as unknown as BreakerSnapshot) : undefined;
}

function isState(value: unknown): boolean {
  if (!isFields(value) || !isNumber(value['sinceMs'])) return false;
  const inOutage = isNumber(value['cooldownMs']) && isNumber(value['failedTrials']);
  switch (value['kind']) {
    case 'closed':
      return isNumberOrAbsent(value['recoveredAfterMs']);
    case 'open':
      return inOutage && isNumber(value['retryAtMs']);
    case 'half-open':
      return inOutage && isNumber(value['successes']) && isNumberOrAbsent(value['trialExpiresAtMs']);
    default:
      return value['kind'] === 'isolated';
  }
}

/**
 * The saved state in this process: a trial that was running is lost with its process, and an open breaker waits at
 * most its cool-down from now, even if the clock was set back since.
 */
export function restoreState(saved: BreakerState, nowMs: number): BreakerState {
  switch (saved.kind) {
    case 'open':
      return { ...saved, retryAtMs: Math.min(saved.retryAtMs, nowMs + saved.cooldownMs) };
    case 'half-open':
      return { ...saved, trialExpiresAtMs: undefined };
    case 'closed':
      // JSON drops undefined fields.
      return { ...saved, recoveredAfterMs: saved.recoveredAfterMs };
    case 'isolated':
      return saved;
    default:
      return assertNever(saved);
  }
}
