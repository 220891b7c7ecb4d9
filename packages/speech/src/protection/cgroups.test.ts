import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findCgroupLevels } from './cgroups.ts';

const V2 = '31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw';

describe('findCgroupLevels', () => {
  it('goes from the own cgroup up to where it is mounted', () => {
    expect(findCgroupLevels(V2, '0::/a/b\n', 'cpu')).toEqual({
      version: 2,
      folders: ['/sys/fs/cgroup/a/b', '/sys/fs/cgroup/a', '/sys/fs/cgroup'],
    });
    expect(findCgroupLevels(V2, '0::/\n', 'memory')?.folders).toEqual(['/sys/fs/cgroup']);
  });

  it('sees a path from the mount, as in containers that show the cgroups of the host', () => {
    const mount = '40 31 0:28 /docker/own /sys/fs/cgroup/memory ro master:9 - cgroup cgroup rw,memory';
    const foldersOf = (path: string) => findCgroupLevels(mount, `4:memory:${path}\n`, 'memory')?.folders;
    expect(foldersOf('/docker/own/child')).toEqual(['/sys/fs/cgroup/memory/child', '/sys/fs/cgroup/memory']);
    for (const path of ['/docker/own', '/docker/owner', '/elsewhere', '/']) {
      expect(foldersOf(path)).toEqual(['/sys/fs/cgroup/memory']);
    }
  });

  it('does not leave the mount for a path outside the namespace', () => {
    expect(findCgroupLevels(V2, '0::/../../other\n', 'cpu')?.folders).toEqual(['/sys/fs/cgroup']);
  });

  it('takes a controller of version 1 where it is mounted, and the others of version 2', () => {
    const hybrid = `${V2}\n33 31 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct`;
    const cgroup = '2:cpu,cpuacct:/one\n1:name=systemd:/x\n0::/two\n';
    expect(findCgroupLevels(hybrid, cgroup, 'cpu')).toMatchObject({ version: 1 });
    expect(findCgroupLevels(hybrid, cgroup, 'memory')?.folders[0]).toBe('/sys/fs/cgroup/two');
  });

  it('prefers the mount that holds the path', () => {
    const mounts = `40 31 0:28 /other /mnt/other rw - cgroup2 cgroup2 rw\n${V2}`;
    expect(findCgroupLevels(mounts, '0::/own\n', 'cpu')?.folders[0]).toBe('/sys/fs/cgroup/own');
  });

  it.each([
    [undefined, undefined],
    [V2, undefined],
    [undefined, '0::/a\n'],
    ['31 23 0:28 / / rw - ext4 /dev/sda rw', '0::/a\n'],
    [V2, 'odd'],
  ])('finds nothing in %j and %j', (mountinfo, cgroup) => {
    expect(findCgroupLevels(mountinfo, cgroup, 'cpu')).toBeUndefined();
  });

  it('never throws, whatever the files hold', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(V2, '0::/a', ' - cgroup2', '0:cpu:/'),
    );
    fc.assert(
      fc.property(text, text, (mountinfo, cgroup) => {
        const folders = findCgroupLevels(mountinfo, cgroup, 'cpu')?.folders ?? ['none'];
        expect(folders.length).toBeGreaterThan(0);
      }),
    );
  });
});
