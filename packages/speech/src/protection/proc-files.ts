/** The number in a text of digits only; NaN for anything else. */
export const parseCount = (text: string | undefined): number =>
  text !== undefined && /^\d+$/.test(text.trim()) ? Number(text.trim()) : Number.NaN;

/** The number behind a name in lines of `name number` or `name: number kB`; NaN when there is none. */
export const parseNamedCount = (text: string | undefined, name: string): number =>
  parseCount(new RegExp(`^${name}:?\\s+(\\d+)`, 'm').exec(text ?? '')?.[1]);

/** By the number of the CPU: the time that it spent since it came up, in any unit. */
export type CpuTimes = ReadonlyMap<number, { readonly busy: number; readonly total: number }>;

/**
 * Every online CPU of /proc/stat; empty when it cannot be read. Waiting for a disk is idle time. Time that a hypervisor gave
 * to others is busy time: it was needed and not available.
 */
export const parseCpuTimes = (stat: string | undefined): CpuTimes => {
  const times = new Map<number, { busy: number; total: number }>();
  for (const [, cpu, fields = ''] of (stat ?? '').matchAll(/^cpu(\d+)\s+(.*)$/gm)) {
    // user nice system idle iowait irq softirq steal; the guest times behind them are part of user and nice.
    const counts = fields.trim().split(/\s+/).slice(0, 8).map(parseCount);
    const total = counts.reduce((sum, count) => sum + count, 0);
    const idle = (counts[3] ?? Number.NaN) + (counts[4] ?? 0);
    times.set(Number(cpu), { busy: total - idle, total });
  }
  return times;
};

export const parseHostMemory = (meminfo: string | undefined) => ({
  totalBytes: parseNamedCount(meminfo, 'MemTotal') * 1024,
  availableBytes: parseNamedCount(meminfo, 'MemAvailable') * 1024,
});

/** The load average of the last minute; NaN when it cannot be read. */
export const parseLoadAverage = (loadavg: string | undefined): number =>
  Number(/^(\d+(?:\.\d+)?)\s/.exec(loadavg ?? '')?.[1] ?? Number.NaN);

/** The CPUs that /proc/self/status allows, such as `0-2,5`; undefined when it has no list. */
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

/** A limit of CPU time, such as of a cgroup. Unknown numbers are NaN. */
export interface CpuLimit {
  readonly folder: string;
  /** Cores that may be used on average. */
  readonly cores: number;
  /** CPU time used since it began, ms. */
  readonly usedMs: number;
}

export interface CpuCounters {
  /** Of a clock that never runs backwards, ms. */
  readonly atMs: number;
  readonly limits: readonly CpuLimit[];
  /** Of the CPUs that this process may run on. */
  readonly times: CpuTimes;
}

/** How much of the fullest limit was used; NaN when that is unknown. */
const limitedRatio = (before: CpuCounters, now: CpuCounters): number => {
  const ratios = now.limits.map(({ folder, cores, usedMs }) => {
    const earlier = before.limits.find((limit) => limit.folder === folder);
    return (usedMs - (earlier?.usedMs ?? Number.NaN)) / ((now.atMs - before.atMs) * cores);
  });
  return Math.max(...ratios);
};

/** How much of the CPUs was used by all processes. CPUs that came, went or restarted their counters are left out. */
const sharedRatio = (before: CpuCounters, now: CpuCounters): number => {
  let busy = 0;
  let total = 0;
  for (const [cpu, time] of now.times) {
    const earlier = before.times.get(cpu);
    if (earlier === undefined || !(time.total > earlier.total)) continue;
    busy += time.busy - earlier.busy;
    total += time.total - earlier.total;
  }
  return busy / total;
};

/** Calculates a ratio from counters that only grow. */
export class CpuMeter {
  #before: CpuCounters | undefined;

  /** The share in use since the last call: of the tightest limit, else of the CPUs. NaN in the first call. */
  ratio(now: CpuCounters): number {
    const before = this.#before;
    this.#before = now;
    if (before === undefined || now.atMs <= before.atMs) return Number.NaN;
    const ratio = now.limits.length > 0 ? limitedRatio(before, now) : sharedRatio(before, now);
    // Below 0 a counter has restarted. Counters lag behind the clock a little, so over 1 is 1.
    return ratio < 0 ? Number.NaN : Math.min(1, ratio);
  }
}
