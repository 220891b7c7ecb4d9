import { type BreakerState, isHalfOpen } from './breaker-state.ts';
import type { StrategyOptions } from './windows.ts';
import { assertNever } from '../checks.ts';

/**
 * The breaker's health for a page or an endpoint.
 *
 * @see seed 002, get_tts_service_health: the same fields in camel case, and two more
 */
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

interface Counters {
  readonly consecutiveFailures: number;
  /** NaN when there was none, as in the other. */
  readonly lastFailureMs: number;
  readonly lastSuccessMs: number;
}

const toDate = (epochMs: number): Date | null => (Number.isNaN(epochMs) ? null : new Date(epochMs));

export function toBreakerStatus(state: BreakerState, counters: Counters, nowMs: number): BreakerStatus {
  const halfOpen = isHalfOpen(state, nowMs);
  const isolated = state.kind === 'isolated';
  const open = state.kind === 'open' && !halfOpen;
  return {
    state: isolated ? 'ISOLATED' : halfOpen ? 'HALF_OPEN' : open ? 'OPEN' : 'CLOSED',
    circuitOpen: open || isolated,
    halfOpen,
    isolated,
    consecutiveFailures: counters.consecutiveFailures,
    lastFailure: toDate(counters.lastFailureMs),
    lastSuccess: toDate(counters.lastSuccessMs),
    retryAfterMs: state.kind === 'open' && open ? state.retryAtMs - nowMs : null,
  };
}

/** All a breaker knows, as JSON: what is saved before a restart and given to the breaker after it. */
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

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null;
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isNumberOrNull = (value: unknown): boolean => value === null || isNumber(value);
const isNumberOrAbsent = (value: unknown): boolean => value === undefined || isNumber(value);

/** Takes a value from disk or the wire; undefined unless it is a snapshot of this version, complete and well typed. */
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
