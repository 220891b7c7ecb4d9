import { type BreakerState, isHalfOpen } from './breaker-state.ts';

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
