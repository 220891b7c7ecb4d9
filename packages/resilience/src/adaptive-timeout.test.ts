import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AdaptiveTimeout, type AdaptiveTimeoutOptions } from './adaptive-timeout.ts';

function observed(calls: readonly (readonly [number, number])[], options: AdaptiveTimeoutOptions = {}) {
  const timeout = new AdaptiveTimeout(options);
  for (const [characters, elapsedMs] of calls) timeout.observe(characters, elapsedMs);
  return timeout;
}

const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

describe('AdaptiveTimeout', () => {
  it('gives 60 s until it has seen enough', () => {
    expect(observed(times(9, [1_000, 1_000])).timeoutMs(10_000)).toBe(60_000);
    expect(observed(times(10, [1_000, 1_000])).timeoutMs(10_000)).not.toBe(60_000);
  });

  it('gives a text its length times the slow calls per character times the margin', () => {
    const timeout = observed(times(20, [1_000, 10_000]));
    expect(timeout.timeoutMs(2_000)).toBe(40_000);
    expect(timeout.timeoutMs(4_000)).toBe(80_000);
  });

  it('takes the percentile by nearest rank', () => {
    const calls = Array.from({ length: 20 }, (_, index) => [1_000, (index + 1) * 1_000] as const);
    expect(observed(calls).timeoutMs(2_000)).toBe(76_000);
    expect(observed(calls, { percentile: 0.5 }).timeoutMs(2_000)).toBe(40_000);
  });

  it('does not take the fixed cost of a short call for slowness', () => {
    expect(observed(times(10, [1, 2_000])).timeoutMs(1_000)).toBe(40_000);
  });

  it('gives a short text the time of 100 characters', () => {
    const timeout = observed(times(10, [1_000, 10_000]), { minMs: 1, defaultMs: 60_000 });
    expect([1, 100, 200].map((characters) => timeout.timeoutMs(characters))).toEqual([2_000, 2_000, 4_000]);
  });

  it('forgets old calls and follows the new ones', () => {
    const timeout = observed([
      ...times(64, [1_000, 60_000] as const),
      ...times(64, [1_000, 10_000] as const),
    ]);
    expect(timeout.timeoutMs(1_000)).toBe(20_000);
    for (let call = 0; call < 64; call += 1) timeout.observe(1_000, 30_000);
    expect(timeout.timeoutMs(1_000)).toBe(60_000);
  });

  it('gives each attempt twice the time of the one before, within its bounds', () => {
    const timeout = observed(times(10, [100, 1_000]), { maxMs: 60_000 });
    expect([1, 2, 3, 4].map((attempt) => timeout.timeoutMs(100, attempt))).toEqual([
      15_000, 30_000, 60_000, 60_000,
    ]);
    expect(new AdaptiveTimeout({ maxMs: 60_000 }).timeoutMs(100, 3)).toBe(60_000);
  });

  it('stays within its bounds, and never gives a longer text less', () => {
    const call = fc.tuple(fc.nat(100_000), fc.nat(1_000_000));
    fc.assert(
      fc.property(fc.array(call, { maxLength: 100 }), fc.nat(50_000), fc.nat(50_000), (calls, one, other) => {
        const timeout = observed(calls);
        const short = timeout.timeoutMs(Math.min(one, other));
        const long = timeout.timeoutMs(Math.max(one, other));
        expect(short).toBeGreaterThanOrEqual(15_000);
        expect(long).toBeLessThanOrEqual(180_000);
        expect(long).toBeGreaterThanOrEqual(short);
      }),
    );
  });

  it.each<[string, AdaptiveTimeoutOptions]>([
    ['minMs', { minMs: 0 }],
    ['maxMs', { maxMs: 1 }],
    ['defaultMs', { defaultMs: 1 }],
    ['percentile', { percentile: 0 }],
    ['margin', { margin: 0.5 }],
    ['minimumCalls', { minimumCalls: 0 }],
    ['windowCalls', { windowCalls: 5 }],
  ])('refuses %s out of range', (field, options) => {
    expect(() => new AdaptiveTimeout(options)).toThrow(field);
  });
});
