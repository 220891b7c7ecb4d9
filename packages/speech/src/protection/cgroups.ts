import { type CpuLimit, parseCount, parseNamedCount } from './proc-files.ts';

/** Reads a small text file by its absolute path; undefined when that does not work, for any reason. */
export type ReadText = (path: string) => Promise<string | undefined>;

/** Where the cgroups of this process are for one controller: its own folder first, then that of each parent. */
export interface CgroupLevels {
  readonly version: 1 | 2;
  readonly folders: readonly string[];
}

/** The name of the hierarchy of version 2, which has all controllers. */
const UNIFIED = '';

/** Every mounted hierarchy; `root` is the cgroup that is seen at the mount point. @see proc_pid_mountinfo(5) */
const parseMounts = (mountinfo: string) =>
  mountinfo.split('\n').flatMap((line) => {
    const [place = '', kind = ''] = line.split(' - ');
    const [, , , root, mountPoint] = place.split(' ');
    const [type, , options = ''] = kind.split(' ');
    if (root === undefined || mountPoint === undefined || !/^cgroup2?$/.test(type ?? '')) return [];
    const version: 1 | 2 = type === 'cgroup2' ? 2 : 1;
    return [{ version, root, mountPoint, controllers: version === 2 ? [UNIFIED] : options.split(',') }];
  });

/** The path of this process by controller. @see cgroups(7) */
const parsePaths = (cgroup: string): Map<string, string> => {
  const paths = new Map<string, string>();
  for (const line of cgroup.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    for (const controller of controllers.split(',')) paths.set(controller, path);
  }
  return paths;
};

const isWithin = (root: string, path: string): boolean =>
  root === '/' || path === root || path.startsWith(`${root}/`);

/** The folders from a path up to the mount. A path outside the mount, as in some containers, counts as the mount. */
const foldersUpFrom = (mountPoint: string, root: string, path: string): string[] => {
  const seen = isWithin(root, path) && !path.split('/').includes('..') ? path : root;
  const names = (root === '/' ? seen : seen.slice(root.length)).split('/').filter((name) => name !== '');
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
  controller: 'cpu' | 'cpuacct' | 'memory',
): CgroupLevels | undefined => {
  const paths = parsePaths(cgroup ?? '');
  const mounts = parseMounts(mountinfo ?? '');
  for (const name of [controller, UNIFIED]) {
    const path = paths.get(name);
    const candidates = mounts.filter(({ controllers }) => controllers.includes(name));
    const mount = candidates.find(({ root }) => path !== undefined && isWithin(root, path)) ?? candidates[0];
    if (path === undefined || mount === undefined) continue;
    return { version: mount.version, folders: foldersUpFrom(mount.mountPoint, mount.root, path) };
  }
  return undefined;
};

/** Undefined for a folder without the file, as the topmost is, and for one that sets no limit. */
const readQuotaCores = async (read: ReadText, version: 1 | 2, folder: string) => {
  const quota = await read(`${folder}/${version === 2 ? 'cpu.max' : 'cpu.cfs_quota_us'}`);
  if (quota === undefined || /^(max|-1)\b/.test(quota)) return undefined;
  const [allowedUs, periodUs = await read(`${folder}/cpu.cfs_period_us`)] = quota.trim().split(/\s+/);
  return parseCount(allowedUs) / parseCount(periodUs);
};

/**
 * Every cgroup on the way up that limits CPU time.
 *
 * @param levels where the quotas are
 * @param accounts where version 1 keeps the accounts, a hierarchy that may be mounted elsewhere
 */
export const readCpuLimits = async (
  read: ReadText,
  { version, folders }: CgroupLevels,
  accounts: CgroupLevels | undefined,
): Promise<CpuLimit[]> => {
  const limits: CpuLimit[] = [];
  for (const folder of folders) {
    const cores = await readQuotaCores(read, version, folder);
    if (cores === undefined) continue;
    // The last of the levels is where a hierarchy is mounted.
    const account = `${accounts?.folders.at(-1) ?? ''}${folder.slice(folders.at(-1)?.length)}`;
    const usedMs =
      version === 2
        ? parseNamedCount(await read(`${folder}/cpu.stat`), 'usage_usec') / 1e3
        : parseCount(await read(`${account}/cpuacct.usage`)) / 1e6;
    limits.push({ folder, cores, usedMs });
  }
  return limits;
};

const MEMORY_FILES = {
  1: { limit: 'memory.limit_in_bytes', used: 'memory.usage_in_bytes', inactive: 'total_inactive_file' },
  2: { limit: 'memory.max', used: 'memory.current', inactive: 'inactive_file' },
} as const;

/** More than any machine has; version 1 says "none" with 2^63 less a page. */
const NO_LIMIT_BYTES = 2 ** 60;

/**
 * The used share of every memory limit on the way up, without the file pages that the kernel takes back first.
 *
 * @param hostBytes the memory of the host, NaN when unknown: a limit above it limits nothing
 */
export const readMemoryRatios = async (
  read: ReadText,
  { version, folders }: CgroupLevels,
  hostBytes: number,
): Promise<number[]> => {
  const files = MEMORY_FILES[version];
  const ratios: number[] = [];
  for (const folder of folders) {
    const limit = await read(`${folder}/${files.limit}`);
    if (limit === undefined || limit.trim() === 'max') continue;
    const limitBytes = parseCount(limit);
    if (limitBytes >= (Number.isNaN(hostBytes) ? NO_LIMIT_BYTES : hostBytes)) continue;
    const used = parseCount(await read(`${folder}/${files.used}`));
    const inactive = parseNamedCount(await read(`${folder}/memory.stat`), files.inactive);
    ratios.push((used - inactive) / limitBytes);
  }
  return ratios;
};
