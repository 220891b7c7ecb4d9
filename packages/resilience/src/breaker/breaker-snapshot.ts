import { assertNever } from '../checks/index.ts';
import type { BreakerState } from './breaker-state.ts';
import type { StrategyOptions } from './strategy.ts';

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
