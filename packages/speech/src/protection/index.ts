export type { ControlFile, ControlFileAnswer } from './control-file.ts';
export type { Finding, Level } from './finding.ts';
export {
  KillSwitch,
  type KillSwitchChange,
  type KillSwitchOptions,
  type KillSwitchParts,
  type KillSwitchStatus,
} from './kill-switch.ts';
export { logBreakerChanges } from './log-breaker-changes.ts';
export type { MachineState } from './machine-judge.ts';
export type { Figure, MachineReading, MachineSample, ReadMachine } from './machine-reading.ts';
export {
  Protection,
  type ProtectionOptions,
  type ProtectionOverview,
  type ProtectionParts,
} from './protection.ts';
export {
  type ActiveProtection,
  describeReason,
  type ProtectionChange,
  type ProtectionMode,
  type ProtectionModeOptions,
  type ProtectionReason,
  type ProtectionStatus,
} from './protection-mode.ts';
export type { SynthesisAdmission } from './synthesis-admission.ts';
export type { SystemMonitor, SystemMonitorOptions, SystemMonitorParts } from './system-monitor.ts';
export type { Threshold, Thresholds } from './thresholds.ts';
