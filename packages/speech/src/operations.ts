/** Operating the speech service: its status and the protection of the machine. See ./diagnosis for faults of networks. */

export { createControlFile } from './protection/control-file.node.ts';
export { type DiskSpace, readDiskSpace } from './protection/disk-space.node.ts';
export { createMachineReader } from './protection/machine-reader.node.ts';
export { type Figure, type ReadMachine, type Thresholds } from './protection/machine-state.ts';
export { Protection, type ProtectionOptions } from './protection/protection.ts';
export {
  decideReadiness,
  describeStatus,
  type EngineStatus,
  type MachineUsage,
  type ProtectionSummary,
  type Readiness,
  type ServicePhase,
  type ServiceState,
  type ServiceStatus,
} from './status/service-status.ts';
export { catalogued, SynthesisStatistics } from './status/statistics.ts';
