/** Time that one CPU spent since it came up, in any unit. */
export interface CpuTime {
  readonly busy: number;
  readonly total: number;
}

/** By the number of the CPU. */
export type CpuTimes = ReadonlyMap<number, CpuTime>;

export interface HostMemory {
  readonly totalBytes: number;
  readonly availableBytes: number;
}

/** The number in a text of digits only; NaN for anything else, so that a figure made of it is no figure. */
export const parseCount = (text: string | undefined): number =>
  text !== undefined && /^\d+$/.test(text.trim()) ? Number(text.trim()) : Number.NaN;

/** The number behind a name in lines of `name number` or `name: number kB`; NaN when there is none. */
export const parseNamedCount = (text: string | undefined, name: string): number =>
  parseCount(new RegExp(`^${name}:?\\s+(\\d+)`, 'm').exec(text ?? '')?.[1]);

/**
 * Every online CPU of /proc/stat; empty when it is odd. Waiting for a disk is idle time. Time that a hypervisor gave
 * to others is busy time: it was wanted and could not be had.
 */
export const parseCpuTimes = (stat: string | undefined): CpuTimes => {
  const times = new Map<number, CpuTime>();
  for (const line of (stat ?? '').split('\n')) {
    const [, cpu, fields] = /^cpu(\d+)\s+(.*)$/.exec(line) ?? [];
    if (cpu === undefined || fields === undefined) continue;
    // user nice system idle iowait irq softirq steal; the guest times behind them are part of user and nice.
    const counts = fields.trim().split(/\s+/).slice(0, 8).map(parseCount);
    const total = counts.reduce((sum, count) => sum + count, 0);
    const idle = (counts[3] ?? Number.NaN) + (counts[4] ?? 0);
    times.set(Number(cpu), { busy: total - idle, total });
  }
  return times;
};

export const parseHostMemory = (meminfo: string | undefined): HostMemory => ({
  totalBytes: parseNamedCount(meminfo, 'MemTotal') * 1024,
  availableBytes: parseNamedCount(meminfo, 'MemAvailable') * 1024,
});

/** The load average of the last minute; NaN when it cannot be read. */
export const parseLoadAverage = (loadavg: string | undefined): number =>
  Number(/^(\d+(?:\.\d+)?)\s/.exec(loadavg ?? '')?.[1] ?? Number.NaN);

/** The CPUs that /proc/self/status allows, such as `0-2,5`; undefined when it does not say. */
export const parseAllowedCpus = (status: string | undefined): ReadonlySet<number> | undefined => {
  const list = /^Cpus_allowed_list:\s*([\d,-]+)\s*$/m.exec(status ?? '')?.[1];
  if (list === undefined) return undefined;
  const allowed = new Set<number>();
  for (const range of list.split(',')) {
    const [first = Number.NaN, last = first] = range.split('-').map(parseCount);
    for (let cpu = first; cpu <= last; cpu += 1) allowed.add(cpu);
  }
  return allowed;
};
