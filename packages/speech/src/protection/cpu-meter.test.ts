import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CpuMeter } from './proc-files.ts';

const cpu = (busy: number, total: number) => ({ busy, total });
const limit = (folder: string, cores: number, usedMs: number) => ({ folder, cores, usedMs });

describe('CpuMeter', () => {
  it('takes the fullest of the limits', () => {
    const meter = new CpuMeter();
    const times = new Map([[0, cpu(0, 0)]]);
    expect(meter.ratio({ atMs: 0, limits: [limit('a', 2, 0), limit('b', 1, 0)], times })).toBeNaN();
    expect(meter.ratio({ atMs: 1_000, limits: [limit('a', 2, 500), limit('b', 1, 600)], times })).toBe(0.6);
  });

  it('has no figure in the reading in which a limit is new, or its counter restarted', () => {
    const meter = new CpuMeter();
    const times = new Map<number, { busy: number; total: number }>();
    const at = (atMs: number, folder: string, usedMs: number) =>
      meter.ratio({ atMs, limits: [limit(folder, 1, usedMs)], times });
    expect([at(0, 'a', 900), at(1_000, 'b', 900), at(2_000, 'b', 950), at(3_000, 'b', 10)]).toEqual([
      Number.NaN,
      Number.NaN,
      0.05,
      Number.NaN,
    ]);
  });

  it('goes over to the CPUs when the limit is lifted', () => {
    const meter = new CpuMeter();
    meter.ratio({ atMs: 0, limits: [limit('a', 1, 0)], times: new Map([[0, cpu(0, 0)]]) });
    expect(meter.ratio({ atMs: 1_000, limits: [], times: new Map([[0, cpu(30, 100)]]) })).toBe(0.3);
  });

  it('leaves out CPUs that came, went or restarted their counters', () => {
    const meter = new CpuMeter();
    const before = new Map([
      [0, cpu(0, 0)],
      [1, cpu(500, 500)],
      [3, cpu(900, 900)],
    ]);
    const now = new Map([
      [0, cpu(10, 100)],
      [2, cpu(9_000, 9_000)],
      [3, cpu(0, 100)],
    ]);
    meter.ratio({ atMs: 0, limits: [], times: before });
    expect(meter.ratio({ atMs: 1_000, limits: [], times: now })).toBe(0.1);
  });

  it('says nothing when no time has passed', () => {
    const meter = new CpuMeter();
    const counters = { atMs: 5, limits: [limit('a', 1, 0)], times: new Map() };
    meter.ratio(counters);
    expect(meter.ratio({ ...counters, limits: [limit('a', 1, 5)] })).toBeNaN();
  });

  it('is a share or nothing, whatever the counters do', () => {
    const count = fc.oneof(fc.nat(10_000), fc.constant(Number.NaN));
    const counters = fc.record({
      atMs: fc.nat(10_000),
      limits: fc.array(fc.record({ folder: fc.constantFrom('a', 'b'), cores: count, usedMs: count })),
      times: fc.array(fc.tuple(fc.nat(3), fc.record({ busy: count, total: count }))).map((of) => new Map(of)),
    });
    fc.assert(
      fc.property(fc.array(counters), (all) => {
        const meter = new CpuMeter();
        for (const now of all) {
          const ratio = meter.ratio(now);
          expect(Number.isNaN(ratio) || (ratio >= 0 && ratio <= 1)).toBe(true);
        }
      }),
    );
  });
});
