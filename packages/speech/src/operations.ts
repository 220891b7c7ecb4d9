/** Operating the speech service: its status and the protection of the machine. See ./diagnosis for faults of networks. */

export { createControlFile } from './protection/kill-switch.node.ts';
export { createMachineReader, type DiskSpace, readDiskSpace } from './protection/machine-reader.node.ts';
export { type Figure, type ReadMachine, type Thresholds } from './protection/machine-monitor.ts';
export { Protection, type ProtectionOptions } from './protection/protection.ts';
export type * from './status/service-status.ts';
export { decideReadiness, describeStatus } from './status/service-status.ts';
export { catalogued, RecentSamples, SynthesisStatistics } from './status/statistics.ts';
