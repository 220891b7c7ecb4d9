/** What was read of the machine, of what this process may use of it. A figure that could not be read is absent. */
export interface MachineReading {
  /** Share of the allowed cores in use since the last reading, 0 to 1. Absent in the first. */
  readonly cpuRatio?: number | undefined;
  /** Share of the allowed memory in use, 0 to 1; what the system can take back at once does not count. */
  readonly memoryRatio?: number | undefined;
  /** Load average of the last minute over the cores it is an average of. */
  readonly loadPerCore?: number | undefined;
}

/** Port: reads the machine. It never rejects. One reader belongs to one caller, for it remembers its last reading. */
export type ReadMachine = () => Promise<MachineReading>;

/** A reading and when it was taken, epoch ms. */
export interface MachineSample extends MachineReading {
  readonly atMs: number;
}

export type Figure = 'cpu' | 'memory' | 'load';

/** All figures, in the order they are told in. */
export const FIGURES: readonly Figure[] = ['cpu', 'memory', 'load'];

const FIELDS = { cpu: 'cpuRatio', memory: 'memoryRatio', load: 'loadPerCore' } as const satisfies Record<
  Figure,
  keyof MachineReading
>;

/** The value of a figure; undefined when it was not read. */
export const figureOf = (reading: MachineReading, figure: Figure): number | undefined => {
  const value = reading[FIELDS[figure]];
  return value === undefined || Number.isNaN(value) ? undefined : value;
};
