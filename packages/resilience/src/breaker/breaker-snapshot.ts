import { assertNever } from '../checks.ts';
import type { BreakerState } from './breaker-state.ts';
import type { StrategyOptions } from './windows.ts';

/**
 * The breaker's health for a page or an endpoint.
 *
 * @see docs/origins.md#breaker-status
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
