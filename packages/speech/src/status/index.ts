export { worstBreaker } from './breaker-states.ts';
export { describeFault, type FaultWords } from './describe-fault.ts';
export { describeStatus, type MachineUsage, type StatusInput } from './describe-status.ts';
export type { EnginePicture, EngineState } from './engine-picture.ts';
export { catalogued, type ErrorsByCategory, type ErrorsByCode } from './error-tally.ts';
export {
  answerHealth,
  faultAnswer,
  type HealthAnswer,
  type HealthSources,
} from '@taleback/worker/src/health/health-answer.ts';
export { decideLiveness, type Liveness, STOP_GRACE_MS } from '@taleback/worker/src/health/liveness.ts';
export type { Log } from '@taleback/core';
export type { OutboxCounts, OutboxStatus } from '@taleback/outbox/src/outbox-status.ts';
export type { Percentiles } from './percentiles.ts';
export {
  type FaultyProcess,
  installProcessFaults,
  type ProcessFaultsOptions,
} from '@taleback/worker/src/health/process-faults.ts';
export {
  decideReadiness,
  type ProtectionWords,
  type Readiness,
  type ReadinessInput,
  type ServicePhase,
  type ServiceState,
} from './readiness.ts';
export type { ServiceStatus, SynthesisMetrics, SystemMetrics, WorkerStatus } from './service-status.ts';
export type { StatisticsCounts, StatisticsSummary } from './statistics-summary.ts';
export type {
  FaultOrigin,
  PoolMode,
  PoolSnapshot,
  SynthesisEvent,
  SynthesisListener,
  WorkerBreakerState,
  WorkerSnapshot,
  WorkerState,
} from './synthesis-event.ts';
export { SynthesisStatistics } from './synthesis-statistics.ts';
