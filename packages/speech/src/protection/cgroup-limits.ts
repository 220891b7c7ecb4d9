import type { CgroupLevels } from './cgroup-levels.ts';
import { parseCount, parseNamedCount } from './proc-files.node.ts';
import type { ReadText } from './read-text.node.ts';

/** A cgroup that limits CPU time. What cannot be read is NaN. */
export interface CpuLimit {
  readonly folder: string;
  /** Cores that it may use on average. */
  readonly cores: number;
  /** CPU time it used since it began, ms. */
  readonly usedMs: number;
}

/** A cgroup that limits memory. What cannot be read is NaN. */
export interface MemoryLimit {
  readonly limitBytes: number;
  /** Without the file pages that the kernel takes back first. */
  readonly usedBytes: number;
}

/** Undefined for a folder without the file, as the topmost is, and for one that sets no limit. */
const readQuotaCores = async (
  read: ReadText,
  version: 1 | 2,
  folder: string,
): Promise<number | undefined> => {
  const quota = version === 2 ? await read(`${folder}/cpu.max`) : await read(`${folder}/cpu.cfs_quota_us`);
  if (quota === undefined || /^(max|-1)\b/.test(quota)) return undefined;
  const [allowedUs, periodUs] =
    version === 2 ? quota.trim().split(/\s+/) : [quota, await read(`${folder}/cpu.cfs_period_us`)];
  return parseCount(allowedUs) / parseCount(periodUs);
};

/** The folder of the same cgroup in another hierarchy. The last of the levels is where each is mounted. */
const sameFolder = (folder: string, from: CgroupLevels, to: CgroupLevels | undefined): string =>
  `${to?.folders.at(-1) ?? ''}${folder.slice(from.folders.at(-1)?.length)}`;

/**
 * Every cgroup on the way up that limits CPU time.
 *
 * @param levels where the quotas are
 * @param accounts where version 1 keeps the accounts, a hierarchy that may be mounted elsewhere
 */
export const readCpuLimits = async (
  read: ReadText,
  levels: CgroupLevels,
  accounts: CgroupLevels | undefined,
): Promise<CpuLimit[]> => {
  const { version, folders } = levels;
  const limits: CpuLimit[] = [];
  for (const folder of folders) {
    const cores = await readQuotaCores(read, version, folder);
    if (cores === undefined) continue;
    const usedMs =
      version === 2
        ? parseNamedCount(await read(`${folder}/cpu.stat`), 'usage_usec') / 1e3
        : parseCount(await read(`${sameFolder(folder, levels, accounts)}/cpuacct.usage`)) / 1e6;
    limits.push({ folder, cores, usedMs });
  }
  return limits;
};

const MEMORY_FILES = {
  1: {
    limit: 'memory.limit_in_bytes',
    used: 'memory.usage_in_bytes',
    inactive: 'total_inactive_file',
  },
  2: { limit: 'memory.max', used: 'memory.current', inactive: 'inactive_file' },
} as const;

/** More than any machine has; version 1 says "none" with 2^63 less a page. */
const NO_LIMIT_BYTES = 2 ** 60;

/**
 * Every cgroup on the way up that limits memory.
 *
 * @param hostBytes the memory of the host, NaN when unknown: a limit above it limits nothing
 */
export const readMemoryLimits = async (
  read: ReadText,
  { version, folders }: CgroupLevels,
  hostBytes: number,
): Promise<MemoryLimit[]> => {
  const files = MEMORY_FILES[version];
  const noLimitBytes = Number.isNaN(hostBytes) ? NO_LIMIT_BYTES : hostBytes;
  const limits: MemoryLimit[] = [];
  for (const folder of folders) {
    const limit = await read(`${folder}/${files.limit}`);
    if (limit === undefined || limit.trim() === 'max') continue;
    const limitBytes = parseCount(limit);
    if (limitBytes >= noLimitBytes) continue;
    const [used, stat] = await Promise.all([read(`${folder}/${files.used}`), read(`${folder}/memory.stat`)]);
    const usedBytes = parseCount(used) - parseNamedCount(stat, files.inactive);
    limits.push({ limitBytes, usedBytes });
  }
  return limits;
};
