import type { CpuLimit } from './cgroup-limits.ts';
import type { CpuTimes } from './proc-files.node.ts';

/** The counters at one moment. */
export interface CpuCounters {
  /** Of a clock that never runs backwards, ms. */
  readonly atMs: number;
  readonly limits: readonly CpuLimit[];
  /** Of the CPUs that this process may run on. */
  readonly times: CpuTimes;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** How much of each limit was used, the fullest of them. NaN when that cannot be said. */
const limitedRatio = (before: CpuCounters, now: CpuCounters): number => {
  const elapsedMs = now.atMs - before.atMs;
  const ratios = now.limits.map(({ folder, cores, usedMs }) => {
    const earlier = before.limits.find((limit) => limit.folder === folder);
    return (usedMs - (earlier?.usedMs ?? Number.NaN)) / (elapsedMs * cores);
  });
  return Math.max(...ratios);
};

/** How much of the CPUs was used by anybody. Those that came, went or began to count anew in between are left out. */
const sharedRatio = (before: CpuCounters, now: CpuCounters): number => {
  const passed = [...now.times].flatMap(([cpu, time]) => {
    const earlier = before.times.get(cpu);
    if (earlier === undefined || !(time.total > earlier.total)) return [];
    return [{ busy: time.busy - earlier.busy, total: time.total - earlier.total }];
  });
  return sum(passed.map(({ busy }) => busy)) / sum(passed.map(({ total }) => total));
};

/** Makes a ratio of counters that only grow. */
export class CpuMeter {
  #before: CpuCounters | undefined;

  /** The share in use since the last call: of the tightest limit, else of the CPUs. NaN in the first call. */
  ratio(now: CpuCounters): number {
    const before = this.#before;
    this.#before = now;
    if (before === undefined || now.atMs <= before.atMs) return Number.NaN;
    const ratio = now.limits.length > 0 ? limitedRatio(before, now) : sharedRatio(before, now);
    // A counter that began anew says nothing. Counters lag behind the clock a little, so over 1 is 1.
    return ratio < 0 ? Number.NaN : Math.min(1, ratio);
  }
}
