export {
  type Admission,
  BreakerRefusedError,
  type Permit,
  type Refusal,
  type RefusalReason,
} from './admission.ts';
export type { BreakerOptions } from './breaker-options.ts';
export { type BreakerSnapshot, parseBreakerSnapshot } from './breaker-snapshot.ts';
export type { BreakerChange, BreakerChangeCause, BreakerListener, BreakerState } from './breaker-state.ts';
export type { BreakerStatus } from './breaker-status.ts';
export { type BreakerSetup, CircuitBreaker } from './circuit-breaker.ts';
export type { AdaptiveCooldown } from './cooldown.ts';
export type {
  ConsecutiveOptions,
  CountWindowOptions,
  StrategyOptions,
  TimeWindowOptions,
} from './strategy.ts';
