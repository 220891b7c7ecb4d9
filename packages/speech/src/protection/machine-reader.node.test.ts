import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMachineReader, type OsFigures } from './machine-reader.node.ts';

const GIB = 2 ** 30;
const V2_MOUNT = '31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n';
const V1_MOUNTS = [
  '31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755',
  '32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct',
  '35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
  '41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
].join('\n');

let root = '';

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'machine-'));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Writes files below the root; undefined removes one. */
const write = (files: Readonly<Record<string, string | undefined>>): void => {
  for (const [path, text] of Object.entries(files)) {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    if (text === undefined) rmSync(file, { recursive: true, force: true });
    else writeFileSync(file, text);
  }
};

/** /proc/stat of CPUs with these busy and idle times. */
const stat = (...cpus: readonly (readonly [busy: number, idle: number])[]): string =>
  [
    'cpu  1 2 3 4 5 6 7 8 9 10',
    ...cpus.map(([busy, idle], index) => `cpu${index} ${busy} 0 0 ${idle} 0 0 0 0 0 0`),
    'ctxt 1',
    '',
  ].join('\n');

/** A host of four cores and 8 GiB of which 2 are available, with a load average of 6. */
const HOST = {
  'proc/stat': stat([0, 0], [0, 0], [0, 0], [0, 0]),
  'proc/meminfo': `MemTotal:  ${(8 * GIB) / 1024} kB\nMemFree:  10 kB\nMemAvailable:  ${(2 * GIB) / 1024} kB\n`,
  'proc/loadavg': '6.00 4.00 2.00 2/84 26585\n',
  'proc/self/status': 'Name:\tnode\nCpus_allowed_list:\t0-3\n',
  'proc/self/mountinfo': V2_MOUNT,
  'proc/self/cgroup': '0::/\n',
};

const NO_OS = new Proxy({} as OsFigures, {
  get: () => {
    throw new Error('node:os is not asked where there is a /proc');
  },
});

/** What v2 says of CPU time. */
const cpuStat = (usedMs: number): string => `usage_usec ${usedMs * 1_000}\nuser_usec 5\nsystem_usec 6\n`;

/** node:os of a system whose two cores are busy for 30 % and 50 %. */
const osOf = (platform: string): OsFigures => {
  let ms = 0;
  return {
    platform: () => platform,
    cpus: () => {
      ms += 100;
      return [
        { times: { user: ms * 0.2, sys: ms * 0.1, idle: ms * 0.7 } },
        { times: { user: ms * 0.4, sys: ms * 0.1, idle: ms * 0.5 } },
      ];
    },
    totalmem: () => 8 * GIB,
    freemem: () => 2 * GIB,
    loadavg: () => [3, 2, 1],
  };
};

/** A reader whose clock moves a second between readings. */
const createReader = (os: OsFigures = NO_OS) => {
  let nowMs = 0;
  return createMachineReader({ root, os, nowMs: () => (nowMs += 1_000) });
};

describe('a host without limits', () => {
  it('gives the CPU of all since the last reading, not since boot, memory that is not available, load per core', async () => {
    write({ ...HOST, 'proc/stat': stat([900, 100], [900, 100], [900, 100], [900, 100]) });
    const read = createReader();
    expect(await read()).toEqual({ cpuRatio: undefined, memoryRatio: 0.75, loadPerCore: 1.5 });
    write({ 'proc/stat': stat([950, 150], [900, 200], [900, 200], [1_000, 100]) });
    expect(await read()).toMatchObject({ cpuRatio: 150 / 400 });
  });

  it('looks only at the CPUs that this process may run on, and shares the load by those of the host', async () => {
    write({ ...HOST, 'proc/self/status': 'Cpus_allowed_list:\t0,3\n' });
    const read = createReader();
    await read();
    write({ 'proc/stat': stat([50, 50], [0, 100], [0, 100], [100, 0]) });
    expect(await read()).toMatchObject({ cpuRatio: 0.75, loadPerCore: 1.5 });
  });

  it('has no CPU figure when the counters stand still or restarted', async () => {
    write({ ...HOST, 'proc/stat': stat([100, 100]) });
    const read = createReader();
    await read();
    expect((await read()).cpuRatio).toBeUndefined();
    write({ 'proc/stat': stat([0, 150]) });
    expect((await read()).cpuRatio).toBeUndefined();
  });
});

describe('cgroup v2', () => {
  const POD = 'sys/fs/cgroup/pod';
  const OWN = `${POD}/own`;

  beforeEach(() => write({ ...HOST, 'proc/self/cgroup': '0::/pod/own\n' }));

  it('measures CPU against the quota and memory against the limit, without inactive file pages', async () => {
    write({
      [`${OWN}/cpu.max`]: '150000 100000\n',
      [`${OWN}/cpu.stat`]: cpuStat(5_000),
      [`${OWN}/memory.max`]: `${4 * GIB}\n`,
      [`${OWN}/memory.current`]: `${3 * GIB}\n`,
      [`${OWN}/memory.stat`]: `anon 1\ninactive_file ${GIB}\nworkingset 2\n`,
    });
    const read = createReader();
    expect(await read()).toEqual({ cpuRatio: undefined, memoryRatio: 0.5, loadPerCore: 1.5 });
    write({ [`${OWN}/cpu.stat`]: cpuStat(5_750) });
    expect((await read()).cpuRatio).toBeCloseTo(0.5, 6);
  });

  it('takes the tightest limit of the parents', async () => {
    write({
      [`${OWN}/cpu.max`]: 'max 100000\n',
      [`${OWN}/memory.max`]: `${4 * GIB}\n`,
      [`${OWN}/memory.current`]: `${GIB}\n`,
      [`${OWN}/memory.stat`]: 'inactive_file 0\n',
      [`${POD}/cpu.max`]: '50000 100000\n',
      [`${POD}/cpu.stat`]: cpuStat(0),
      [`${POD}/memory.max`]: `${5 * GIB}\n`,
      [`${POD}/memory.current`]: `${4 * GIB}\n`,
      [`${POD}/memory.stat`]: 'inactive_file 0\n',
    });
    const read = createReader();
    expect((await read()).memoryRatio).toBeCloseTo(0.8, 6);
    write({ [`${POD}/cpu.stat`]: cpuStat(400) });
    expect((await read()).cpuRatio).toBeCloseTo(0.8, 6);
  });

  it('goes by the host where nothing is limited, or not below what the host has', async () => {
    write({ [`${OWN}/memory.max`]: 'max\n', [`${POD}/memory.max`]: `${9 * GIB}\n` });
    expect((await createReader()()).memoryRatio).toBe(0.75);
  });

  it('allows no more cores by a quota than there are to run on', async () => {
    write({
      'proc/self/status': 'Cpus_allowed_list:\t0-1\n',
      [`${OWN}/cpu.max`]: '800000 100000\n',
      [`${OWN}/cpu.stat`]: cpuStat(0),
    });
    const read = createReader();
    await read();
    write({ [`${OWN}/cpu.stat`]: cpuStat(1_500) });
    expect((await read()).cpuRatio).toBeCloseTo(0.75, 6);
  });

  it('never says more than 1, for counters and clock are not read at once', async () => {
    write({ [`${OWN}/cpu.max`]: '100000 100000\n', [`${OWN}/cpu.stat`]: cpuStat(0) });
    const read = createReader();
    await read();
    write({ [`${OWN}/cpu.stat`]: cpuStat(1_010) });
    expect((await read()).cpuRatio).toBe(1);
  });

  it.each([
    ['memory.current', 'memoryRatio'],
    ['memory.stat', 'memoryRatio'],
    ['memory.max', 'memoryRatio'],
    ['cpu.stat', 'cpuRatio'],
    ['cpu.max', 'cpuRatio'],
  ] as const)('leaves out only its figure when %s is odd', async (file, figure) => {
    write({
      [`${OWN}/cpu.max`]: '100000 100000\n',
      [`${OWN}/cpu.stat`]: cpuStat(0),
      [`${OWN}/memory.max`]: `${GIB}\n`,
      [`${OWN}/memory.current`]: `${GIB / 2}\n`,
      [`${OWN}/memory.stat`]: 'inactive_file 0\n',
    });
    write({ [`${OWN}/${file}`]: 'odd\n' });
    const read = createReader();
    await read();
    if (file !== 'cpu.stat') write({ [`${OWN}/cpu.stat`]: cpuStat(500) });
    const reading = { ...(await read()) };
    expect(reading[figure]).toBeUndefined();
    delete reading[figure];
    expect(Object.values(reading)).not.toContain(undefined);
  });
});

describe('cgroup v1', () => {
  const CPU = 'sys/fs/cgroup/cpu,cpuacct/docker/own';
  const MEMORY = 'sys/fs/cgroup/memory/docker/own';
  const NONE = '9223372036854771712\n';

  beforeEach(() =>
    write({
      ...HOST,
      'proc/self/mountinfo': V1_MOUNTS,
      'proc/self/cgroup': '8:pids:/\n4:memory:/docker/own\n2:cpu,cpuacct:/docker/own\n0::/docker/own\n',
      'sys/fs/cgroup/memory/memory.limit_in_bytes': NONE,
      'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '-1\n',
    }),
  );

  it('measures CPU against the quota and memory against the limit, without inactive file pages', async () => {
    write({
      [`${CPU}/cpu.cfs_quota_us`]: '200000\n',
      [`${CPU}/cpu.cfs_period_us`]: '100000\n',
      [`${CPU}/cpuacct.usage`]: '7000000000\n',
      [`${MEMORY}/memory.limit_in_bytes`]: `${4 * GIB}\n`,
      [`${MEMORY}/memory.usage_in_bytes`]: `${3 * GIB}\n`,
      [`${MEMORY}/memory.stat`]: `inactive_file 7\ntotal_inactive_file ${GIB}\n`,
    });
    const read = createReader();
    expect(await read()).toEqual({ cpuRatio: undefined, memoryRatio: 0.5, loadPerCore: 1.5 });
    write({ [`${CPU}/cpuacct.usage`]: '8800000000\n' });
    expect((await read()).cpuRatio).toBeCloseTo(0.9, 6);
  });

  it('finds the accounts of CPU where they are mounted on their own', async () => {
    write({
      'proc/self/mountinfo':
        '32 31 0:29 / /cg/cpu rw - cgroup cgroup rw,cpu\n33 31 0:30 / /cg/acct rw - cgroup cgroup rw,cpuacct\n',
      'proc/self/cgroup': '3:cpuacct:/docker/own\n2:cpu:/docker/own\n',
      'cg/cpu/docker/cpu.cfs_quota_us': '100000\n',
      'cg/cpu/docker/cpu.cfs_period_us': '100000\n',
      'cg/acct/docker/cpuacct.usage': '0\n',
    });
    const read = createReader();
    await read();
    write({ 'cg/acct/docker/cpuacct.usage': '250000000\n' });
    expect((await read()).cpuRatio).toBeCloseTo(0.25, 6);
  });

  it('goes by the host when the limit is the number that means none, also when the host is unknown', async () => {
    write({ [`${MEMORY}/memory.limit_in_bytes`]: NONE });
    expect((await createReader()()).memoryRatio).toBe(0.75);
    write({ 'proc/meminfo': undefined });
    expect((await createReader()()).memoryRatio).toBeUndefined();
  });
});

describe('what cannot be read', () => {
  it.each([
    ['proc/stat', ['cpuRatio', 'loadPerCore']],
    ['proc/meminfo', ['memoryRatio']],
    ['proc/loadavg', ['loadPerCore']],
    ['proc/self/status', []],
    ['proc/self/mountinfo', []],
    ['proc/self/cgroup', []],
  ])('leaves out no figures but its own: %s is missing, empty, odd or a folder', async (file, lost) => {
    for (const damage of [undefined, '', 'odd\n\0 - - \n', 'folder']) {
      write({ ...HOST, [file]: undefined });
      const later = stat([50, 50], [50, 50], [50, 50], [50, 50]);
      const read = createReader();
      const spoil = () => {
        write({ [file]: damage === 'folder' ? undefined : damage });
        if (damage === 'folder') mkdirSync(join(root, file));
      };
      spoil();
      await read();
      if (file !== 'proc/stat') write({ 'proc/stat': later });
      const reading = await read();
      const missing = Object.entries(reading).filter(([, value]) => value === undefined);
      expect(missing.map(([name]) => name)).toEqual(lost);
      rmSync(join(root, file), { recursive: true, force: true });
    }
  });
});

describe('a system without /proc', () => {
  it('gives CPU and load on macOS, but no memory, whose free pages say nothing there', async () => {
    const read = createReader(osOf('darwin'));
    expect(await read()).toEqual({ cpuRatio: undefined, memoryRatio: undefined, loadPerCore: 1.5 });
    expect((await read()).cpuRatio).toBeCloseTo(0.4, 6);
  });

  it('gives CPU and memory on Windows, which has no load average', async () => {
    const read = createReader(osOf('win32'));
    await read();
    const reading = await read();
    expect(reading).toMatchObject({ memoryRatio: 0.75, loadPerCore: undefined });
    expect(reading.cpuRatio).toBeCloseTo(0.4, 6);
  });
});

const isShare = (ratio: number): boolean => ratio >= 0 && ratio <= 1;

/** Two readings with a tenth of a second of work in between. */
const readTwice = async () => {
  const read = createMachineReader();
  const first = await read();
  const untilMs = performance.now() + 100;
  while (performance.now() < untilMs);
  return { first, second: await read() };
};

describe('the machine that this runs on', () => {
  it('gives plausible figures', async () => {
    const { first, second } = await readTwice();
    expect(first.cpuRatio).toBeUndefined();
    expect(second).toSatisfy(() => isShare(second.cpuRatio ?? 0) && isShare(second.memoryRatio ?? 0));
    expect(second.loadPerCore ?? 0).toBeGreaterThanOrEqual(0);
    expect(second.loadPerCore ?? 0).toBeLessThan(1_000);
  });

  it.skipIf(process.platform !== 'linux')('gives all of them on Linux, and sees the work', async () => {
    const { second } = await readTwice();
    expect(second.cpuRatio).toBeGreaterThan(0);
    expect(second.memoryRatio).toBeGreaterThan(0);
    expect(second.loadPerCore).toBeDefined();
  });
});
