import { existsSync, readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import * as nodeOs from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { findCgroupLevels, readCpuLimits, readMemoryRatios, type ReadText } from './cgroups.ts';
import type { MachineReading, ReadMachine } from './machine-monitor.ts';
import {
  CpuMeter,
  parseAllowedCpus,
  parseCpuTimes,
  parseHostMemory,
  parseLoadAverage,
} from './proc-files.ts';

/** What is used of node:os. */
export interface OsFigures {
  readonly platform: () => string;
  readonly cpus: () => readonly { readonly times: Readonly<Record<string, number>> }[];
  readonly totalmem: () => number;
  readonly freemem: () => number;
  readonly loadavg: () => readonly number[];
}

const readProcFigures = async (
  read: ReadText,
  meter: CpuMeter,
  nowMs: () => number,
): Promise<MachineReading> => {
  const [mountinfo, cgroup, meminfo, loadavg, stat, status] = await Promise.all(
    ['self/mountinfo', 'self/cgroup', 'meminfo', 'loadavg', 'stat', 'self/status'].map((name) =>
      read(`/proc/${name}`),
    ),
  );
  const levelsOf = (controller: 'cpu' | 'cpuacct' | 'memory') =>
    findCgroupLevels(mountinfo, cgroup, controller);

  const hostTimes = parseCpuTimes(stat);
  const allowed = parseAllowedCpus(status);
  const times = new Map([...hostTimes].filter(([cpu]) => allowed?.has(cpu) ?? true));
  const levels = levelsOf('cpu');
  const quotas = levels === undefined ? [] : await readCpuLimits(read, levels, levelsOf('cpuacct'));
  // A quota above the CPUs allows no more than the CPUs: for its own cgroup those it may run on, for parents all.
  const limits = quotas.map((limit) => {
    const cpus = limit.folder === levels?.folders[0] ? times.size : hostTimes.size;
    return cpus === 0 ? limit : { ...limit, cores: Math.min(limit.cores, cpus) };
  });
  const cpuRatio = meter.ratio({ atMs: nowMs(), limits, times });

  const { totalBytes, availableBytes } = parseHostMemory(meminfo);
  const memoryLevels = levelsOf('memory');
  const ratios = memoryLevels === undefined ? [] : await readMemoryRatios(read, memoryLevels, totalBytes);
  return {
    cpuRatio,
    memoryRatio: ratios.length === 0 ? 1 - availableBytes / totalBytes : Math.max(...ratios),
    // The load average is the host's, whatever this process may use of it, so it is shared by the host's cores.
    loadPerCore: parseLoadAverage(loadavg) / hostTimes.size,
  };
};

/**
 * The figures of a system without /proc. Two of them mislead, and are left out where they do: Windows has no load
 * average (it is 0 there), and only Windows counts as free what it can take back at once. macOS and the BSDs count
 * only unused pages as free, next to none on a healthy machine, so that memory would be critical all day.
 * @see https://github.com/libuv/libuv/issues/3897
 */
const readOsFigures = (os: OsFigures, meter: CpuMeter, atMs: number): MachineReading => {
  const isWindows = os.platform() === 'win32';
  const cpus = os.cpus().map(({ times }) => {
    const total = Object.values(times).reduce((sum, ms) => sum + ms, 0);
    return { busy: total - (times['idle'] ?? Number.NaN), total };
  });
  return {
    cpuRatio: meter.ratio({ atMs, limits: [], times: new Map(cpus.entries()) }),
    memoryRatio: isWindows ? 1 - os.freemem() / os.totalmem() : undefined,
    loadPerCore: isWindows ? undefined : (os.loadavg()[0] ?? Number.NaN) / cpus.length,
  };
};

const known = (value = Number.NaN): number | undefined =>
  Number.isFinite(value) ? Math.max(0, value) : undefined;

/**
 * Reads what this process may use of the machine: the tightest limit of its cgroups (versions 1 and 2), else the host,
 * and node:os where there is no /proc. A file that is missing or unreadable makes its figure undefined and no other.
 *
 * @param options `root`: where /proc and /sys are found; `nowMs`: a clock that never runs backwards, ms
 * @example
 * const readMachine = createMachineReader();
 * await readMachine();
 */
export const createMachineReader = (
  options: { readonly root?: string; readonly os?: OsFigures; readonly nowMs?: () => number } = {},
): ReadMachine => {
  const { root = '/', os = nodeOs, nowMs = () => performance.now() } = options;
  // These files are in memory: in this thread they cost a third of what handing them to another one does.
  const read: ReadText = async (path) => {
    try {
      return readFileSync(join(root, path), 'utf8');
    } catch {
      return undefined;
    }
  };
  const meter = new CpuMeter();
  return async () => {
    const reading = existsSync(join(root, 'proc/self'))
      ? await readProcFigures(read, meter, nowMs)
      : readOsFigures(os, meter, nowMs());
    return {
      cpuRatio: known(reading.cpuRatio),
      memoryRatio: known(reading.memoryRatio),
      loadPerCore: known(reading.loadPerCore),
    };
  };
};

/** Room of a file system for us. */
export interface DiskSpace {
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** Files that can still be made; absent where they are not counted. */
  readonly freeFiles?: number | undefined;
}

/**
 * Room where a folder lies, or where it would be made. @throws what the file system says
 *
 * @example
 * const { freeBytes } = await readDiskSpace('.');
 */
export const readDiskSpace = async (folder: string): Promise<DiskSpace> => {
  const path = resolve(folder);
  try {
    const { bavail, blocks, bsize, files, ffree } = await statfs(path);
    // Some file systems count no files.
    const freeFiles = files === 0 ? undefined : ffree;
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize, freeFiles };
  } catch (error) {
    const parent = dirname(path);
    if ((error as { code?: unknown }).code !== 'ENOENT' || parent === path) throw error;
    return readDiskSpace(parent);
  }
};
