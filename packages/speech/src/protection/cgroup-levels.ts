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

/** A path as seen from the mount. One that lies outside it, as in some containers, is taken for the mount itself. */
const seenFrom = (root: string, path: string): string => {
  if (path.split('/').includes('..')) return '/';
  if (root === '/') return path;
  return path.startsWith(`${root}/`) ? path.slice(root.length) : '/';
};

const foldersUpFrom = (mountPoint: string, path: string): string[] => {
  const names = path.split('/').filter((name) => name !== '');
  return Array.from({ length: names.length + 1 }, (_, up) =>
    [mountPoint, ...names.slice(0, names.length - up)].join('/'),
  );
};

/**
 * Finds the cgroups that rule this process. A controller that is mounted on its own is one of version 1, even beside
 * version 2.
 *
 * @param mountinfo what /proc/self/mountinfo holds
 * @param cgroup what /proc/self/cgroup holds
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

const isWithin = (root: string, path: string): boolean =>
  root === '/' || path === root || path.startsWith(`${root}/`);
