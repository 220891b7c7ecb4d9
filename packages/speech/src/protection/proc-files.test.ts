import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  parseAllowedCpus,
  parseCount,
  parseCpuTimes,
  parseHostMemory,
  parseLoadAverage,
  parseNamedCount,
} from './proc-files.ts';

describe('parseCpuTimes', () => {
  it('counts what is not idle and not waiting for a disk as busy, a guest only once', () => {
    const stat = 'cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 1 2 3 40 50 6 7 8 9 10\ncpu12 1 0 0 3\nintr 5 6\n';
    expect([...parseCpuTimes(stat)]).toEqual([
      [0, { busy: 27, total: 117 }],
      [12, { busy: 1, total: 4 }],
    ]);
  });

  it('finds no CPU in what is odd', () => {
    expect(parseCpuTimes(undefined).size + parseCpuTimes('odd').size).toBe(0);
    expect(parseCpuTimes('cpu0 a b c d').get(0)).toEqual({ busy: Number.NaN, total: Number.NaN });
  });
});

describe('counts', () => {
  it('are digits and nothing else', () => {
    expect(parseCount(' 42\n')).toBe(42);
    for (const text of [undefined, '', '-1', '1.5', '1e3', '0x1', '4 2', 'max']) {
      expect(parseCount(text)).toBeNaN();
    }
  });

  it('are found by their whole name', () => {
    const stat = 'total_inactive_file 7\ninactive_file 3\nMemTotal:       16 kB\n';
    expect(parseNamedCount(stat, 'inactive_file')).toBe(3);
    expect(parseNamedCount(stat, 'MemTotal')).toBe(16);
    expect(parseNamedCount(stat, 'file')).toBeNaN();
  });

  it('of memory are bytes', () => {
    expect(parseHostMemory('MemTotal: 4 kB\nMemAvailable: 2 kB\n')).toEqual({
      totalBytes: 4_096,
      availableBytes: 2_048,
    });
    expect(parseHostMemory('MemTotal: 4 kB\n').availableBytes).toBeNaN();
  });
});

describe('parseLoadAverage', () => {
  it('takes that of the last minute', () => {
    expect(parseLoadAverage('67.25 4.00 2.00 2/84 26585\n')).toBe(67.25);
    for (const text of [undefined, '', 'odd', '-1 2 3', '.5 1 1']) expect(parseLoadAverage(text)).toBeNaN();
  });
});

describe('parseAllowedCpus', () => {
  it('reads a list of ranges back', () => {
    const ranges = fc.array(fc.tuple(fc.nat(300), fc.nat(5)), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(ranges, (pairs) => {
        const list = pairs.map(([first, more]) => (more === 0 ? `${first}` : `${first}-${first + more}`));
        const expected = new Set(
          pairs.flatMap(([first, more]) => Array.from({ length: more + 1 }, (_, index) => first + index)),
        );
        expect(parseAllowedCpus(`Cpus_allowed:\tf\nCpus_allowed_list:\t${list.join(',')}\n`)).toEqual(
          expected,
        );
      }),
    );
  });

  it('does not know what is not said', () => {
    expect(parseAllowedCpus(undefined)).toBeUndefined();
    expect(parseAllowedCpus('Cpus_allowed_list:\tall\n')).toBeUndefined();
  });
});
