/** Operating the speech service: its status and the protection of the machine. See ./diagnosis for faults of networks. */

export { createControlFile } from './protection/control-file.node.ts';
export { type DiskSpace, readDiskSpace } from './protection/disk-space.node.ts';
export { createMachineReader } from './protection/machine-reader.node.ts';
export { type Figure, type ReadMachine, type Thresholds } from './protection/machine-state.ts';
export { Protection, type ProtectionOptions } from './protection/protection.ts';
export {
  type EngineStatus,
  decideReadiness,
  type ProtectionSummary,
  type Readiness,
  type ServicePhase,
  type ServiceState,
} from './status/engine-status.ts';
export { catalogued } from './status/error-counts.ts';
export { describeStatus, type MachineUsage, type ServiceStatus } from './status/service-status.ts';
export { SynthesisStatistics } from './status/statistics.ts';
