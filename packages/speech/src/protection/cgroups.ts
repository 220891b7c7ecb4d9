import { type CpuLimit, parseCount, parseNamedCount } from './proc-files.ts';

/** Reads a small text file by its absolute path; undefined when that does not work, for any reason. */
export type ReadText = (path: string) => Promise<string | undefined>;

interface CgroupMount {
  readonly version: 1 | 2;
  /** The cgroup that is seen at the mount point. */
  readonly root: string;
  readonly mountPoint: string;
  readonly controllers: ReadonlySet<string>;
}

/** Where the cgroups of this process are for one controller: its own folder first, then that of each parent. */
export interface CgroupLevels {
  readonly version: 1 | 2;
  readonly folders: readonly string[];
}

export type Controller = 'cpu' | 'cpuacct' | 'memory';

const UNIFIED = '';

/** @see proc_pid_mountinfo(5) */
const parseMounts = (mountinfo: string): CgroupMount[] => {
  const mounts: CgroupMount[] = [];
  for (const line of mountinfo.split('\n')) {
    const [place = '', kind = ''] = line.split(' - ');
    const [, , , root, mountPoint] = place.split(' ');
    const [type, , options = ''] = kind.split(' ');
    if (root === undefined || mountPoint === undefined) continue;
    const controllers = new Set(options.split(','));
    if (type === 'cgroup') mounts.push({ version: 1, root, mountPoint, controllers });
    if (type === 'cgroup2') mounts.push({ version: 2, root, mountPoint, controllers: new Set([UNIFIED]) });
  }
  return mounts;
};

/** The path of this process by controller; the one of version 2 has no name. @see cgroups(7) */
const parsePaths = (cgroup: string): Map<string, string> => {
  const paths = new Map<string, string>();
  for (const line of cgroup.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    for (const controller of controllers.split(',')) paths.set(controller, path);
  }
  return paths;
};

/** A path as seen from the mount. A path outside it, as in some containers, counts as the mount itself. */
const seenFrom = (root: string, path: string): string => {
  if (path.split('/').includes('..')) return '/';
  if (root === '/') return path;
  return path.startsWith(`${root}/`) ? path.slice(root.length) : '/';
};

const isWithin = (root: string, path: string): boolean =>
  root === '/' || path === root || path.startsWith(`${root}/`);

const foldersUpFrom = (mountPoint: string, path: string): string[] => {
  const names = path.split('/').filter((name) => name !== '');
  return Array.from({ length: names.length + 1 }, (_, up) =>
    [mountPoint, ...names.slice(0, names.length - up)].join('/'),
  );
};

/**
 * Finds the cgroups of this process. A controller that is mounted on its own is one of version 1, even beside
 * version 2.
 *
 * @param mountinfo the text of /proc/self/mountinfo
 * @param cgroup the text of /proc/self/cgroup
 * @returns undefined when the controller is nowhere to be seen
 */
export const findCgroupLevels = (
  mountinfo: string | undefined,
  cgroup: string | undefined,
  controller: Controller,
): CgroupLevels | undefined => {
  const paths = parsePaths(cgroup ?? '');
  const mounts = parseMounts(mountinfo ?? '');
  for (const name of [controller, UNIFIED]) {
    const path = paths.get(name);
    const candidates = mounts.filter(({ controllers }) => controllers.has(name));
    const mount = candidates.find(({ root }) => path !== undefined && isWithin(root, path)) ?? candidates[0];
    if (path === undefined || mount === undefined) continue;
    return { version: mount.version, folders: foldersUpFrom(mount.mountPoint, seenFrom(mount.root, path)) };
  }
  return undefined;
};

/** A cgroup that limits memory. A figure that cannot be read is NaN. */
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
