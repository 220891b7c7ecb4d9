import { access } from 'node:fs/promises';
import * as nodeOs from 'node:os';
import { join } from 'node:path';
import type { MachineReading, ReadMachine } from './index.ts';
import { type Controller, findCgroupLevels } from './cgroup-levels.ts';
import { type CpuLimit, type MemoryLimit, readCpuLimits, readMemoryLimits } from './cgroup-limits.ts';
import { CpuMeter } from './cpu-meter.ts';
import { type OsFigures, readOsFigures } from './os-figures.node.ts';
import {
  type HostMemory,
  parseAllowedCpus,
  parseCpuTimes,
  parseHostMemory,
  parseLoadAverage,
} from './proc-files.node.ts';
import { type ReadText, readTextBelow } from './read-text.node.ts';

export interface MachineReaderOptions {
  /** Where /proc and /sys are found. Default `/`. */
  readonly root?: string | undefined;
  /** Asked where there is no /proc. Default node:os. */
  readonly os?: OsFigures | undefined;
  /** A clock that never runs backwards, ms. Default `performance.now`. */
  readonly nowMs?: (() => number) | undefined;
}

type LevelsOf = (controller: Controller) => ReturnType<typeof findCgroupLevels>;

/** A quota above the CPUs allows no more than the CPUs: for its own cgroup those it may run on, for parents all. */
const capAtCpus = (limits: readonly CpuLimit[], own: string, allowedCpus: number, hostCpus: number) =>
  limits.map((limit) => {
    const cpus = limit.folder === own ? allowedCpus : hostCpus;
    return cpus === 0 ? limit : { ...limit, cores: Math.min(limit.cores, cpus) };
  });

const readCpu = async (read: ReadText, levelsOf: LevelsOf, meter: CpuMeter, nowMs: () => number) => {
  const hostTimes = parseCpuTimes(await read('/proc/stat'));
  const allowed = parseAllowedCpus(await read('/proc/self/status'));
  const times = new Map([...hostTimes].filter(([cpu]) => allowed?.has(cpu) ?? true));
  const levels = levelsOf('cpu');
  const limits = levels === undefined ? [] : await readCpuLimits(read, levels, levelsOf('cpuacct'));
  const capped = capAtCpus(limits, levels?.folders[0] ?? '', times.size, hostTimes.size);
  return { cpuRatio: meter.ratio({ atMs: nowMs(), limits: capped, times }), hostCores: hostTimes.size };
};

const memoryRatio = (limits: readonly MemoryLimit[], { totalBytes, availableBytes }: HostMemory): number => {
  if (limits.length === 0) return 1 - availableBytes / totalBytes;
  return Math.max(...limits.map(({ usedBytes, limitBytes }) => usedBytes / limitBytes));
};

const readProcFigures = async (
  read: ReadText,
  meter: CpuMeter,
  nowMs: () => number,
): Promise<MachineReading> => {
  const [mountinfo, cgroup, meminfo, loadavg] = await Promise.all(
    ['/proc/self/mountinfo', '/proc/self/cgroup', '/proc/meminfo', '/proc/loadavg'].map(read),
  );
  const levelsOf: LevelsOf = (controller) => findCgroupLevels(mountinfo, cgroup, controller);
  const { cpuRatio, hostCores } = await readCpu(read, levelsOf, meter, nowMs);
  const host = parseHostMemory(meminfo);
  const memoryLevels = levelsOf('memory');
  const limits =
    memoryLevels === undefined ? [] : await readMemoryLimits(read, memoryLevels, host.totalBytes);
  return {
    cpuRatio,
    memoryRatio: memoryRatio(limits, host),
    // The load average is the host's, whatever this process may use of it, so it is shared by the host's cores.
    loadPerCore: parseLoadAverage(loadavg) / hostCores,
  };
};

const known = (value: number | undefined): number | undefined =>
  value !== undefined && Number.isFinite(value) ? Math.max(0, value) : undefined;

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/**
 * Reads what this process may use of the machine: the tightest limit of its cgroups (versions 1 and 2), else the host,
 * and node:os where there is no /proc. A file that is missing or odd makes its figure undefined and no other.
 */
export const createMachineReader = (options: MachineReaderOptions = {}): ReadMachine => {
  const { root = '/', os = nodeOs, nowMs = () => performance.now() } = options;
  const read = readTextBelow(root);
  const meter = new CpuMeter();
  return async () => {
    const hasProc = await exists(join(root, 'proc/self'));
    const reading = hasProc ? await readProcFigures(read, meter, nowMs) : readOsFigures(os, meter, nowMs());
    return {
      cpuRatio: known(reading.cpuRatio),
      memoryRatio: known(reading.memoryRatio),
      loadPerCore: known(reading.loadPerCore),
    };
  };
};
