import type { MachineReading } from './index.ts';
import type { CpuMeter } from './cpu-meter.ts';
import type { CpuTime } from './proc-files.node.ts';

/** What is used of node:os and process. */
export interface OsFigures {
  readonly platform: () => string;
  readonly cpus: () => readonly { readonly times: Readonly<Record<string, number>> }[];
  readonly totalmem: () => number;
  readonly freemem: () => number;
  readonly loadavg: () => readonly number[];
}

const toCpuTime = (times: Readonly<Record<string, number>>): CpuTime => {
  const total = Object.values(times).reduce((sum, ms) => sum + ms, 0);
  return { busy: total - (times['idle'] ?? Number.NaN), total };
};

/**
 * The figures of a system without /proc. Two of them mislead, and are left out where they do: Windows has no load
 * average (it is 0 there), and only Windows counts as free what it can take back at once. macOS and the BSDs give the
 * pages that nobody uses at all, next to none on a healthy machine, so that memory would be critical all day.
 * @see https://github.com/libuv/libuv/issues/3897
 */
export const readOsFigures = (os: OsFigures, meter: CpuMeter, atMs: number): MachineReading => {
  const isWindows = os.platform() === 'win32';
  const cpus = os.cpus();
  const times = new Map(cpus.map((cpu, index) => [index, toCpuTime(cpu.times)]));
  return {
    cpuRatio: meter.ratio({ atMs, limits: [], times }),
    memoryRatio: isWindows ? 1 - os.freemem() / os.totalmem() : undefined,
    loadPerCore: isWindows ? undefined : (os.loadavg()[0] ?? Number.NaN) / cpus.length,
  };
};
