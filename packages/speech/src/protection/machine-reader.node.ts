import { access, readFile } from 'node:fs/promises';
import * as nodeOs from 'node:os';
import { join } from 'node:path';
import { type Controller, findCgroupLevels, type MemoryLimit, type ReadText } from './cgroups.ts';
import { readCpuLimits, readMemoryLimits } from './cgroups.ts';
import type { MachineReading, ReadMachine } from './machine-state.ts';
import { type CpuLimit, CpuMeter, type CpuTime, type HostMemory } from './proc-files.ts';
import { parseAllowedCpus, parseCpuTimes, parseHostMemory, parseLoadAverage } from './proc-files.ts';

/** What is used of node:os. */
export interface OsFigures {
  readonly platform: () => string;
  readonly cpus: () => readonly { readonly times: Readonly<Record<string, number>> }[];
  readonly totalmem: () => number;
  readonly freemem: () => number;
  readonly loadavg: () => readonly number[];
}

export interface MachineReaderOptions {
  /** Where /proc and /sys are found. Default `/`. */
  readonly root?: string | undefined;
  /** Used where there is no /proc. Default node:os. */
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

const toCpuTime = (times: Readonly<Record<string, number>>): CpuTime => {
  const total = Object.values(times).reduce((sum, ms) => sum + ms, 0);
  return { busy: total - (times['idle'] ?? Number.NaN), total };
};

/**
 * The figures of a system without /proc. Two of them mislead, and are left out where they do: Windows has no load
 * average (it is 0 there), and only Windows counts as free what it can take back at once. macOS and the BSDs count
 * only unused pages as free, next to none on a healthy machine, so that memory would be critical all day.
 * @see https://github.com/libuv/libuv/issues/3897
 */
const readOsFigures = (os: OsFigures, meter: CpuMeter, atMs: number): MachineReading => {
  const isWindows = os.platform() === 'win32';
  const cpus = os.cpus();
  const times = new Map(cpus.map((cpu, index) => [index, toCpuTime(cpu.times)]));
  return {
    cpuRatio: meter.ratio({ atMs, limits: [], times }),
    memoryRatio: isWindows ? 1 - os.freemem() / os.totalmem() : undefined,
    loadPerCore: isWindows ? undefined : (os.loadavg()[0] ?? Number.NaN) / cpus.length,
  };
};

const known = (value: number | undefined): number | undefined =>
  value !== undefined && Number.isFinite(value) ? Math.max(0, value) : undefined;

/**
 * Reads what this process may use of the machine: the tightest limit of its cgroups (versions 1 and 2), else the host,
 * and node:os where there is no /proc. A file that is missing or unreadable makes its figure undefined and no other.
 *
 * @example
 * const readMachine = createMachineReader();
 * await readMachine();
 */
export const createMachineReader = (options: MachineReaderOptions = {}): ReadMachine => {
  const { root = '/', os = nodeOs, nowMs = () => performance.now() } = options;
  const read: ReadText = (path) => readFile(join(root, path), 'utf8').catch(() => undefined);
  const meter = new CpuMeter();
  return async () => {
    const hasProc = await access(join(root, 'proc/self')).then(
      () => true,
      () => false,
    );
    const reading = hasProc ? await readProcFigures(read, meter, nowMs) : readOsFigures(os, meter, nowMs());
    return {
      cpuRatio: known(reading.cpuRatio),
      memoryRatio: known(reading.memoryRatio),
      loadPerCore: known(reading.loadPerCore),
    };
  };
};
