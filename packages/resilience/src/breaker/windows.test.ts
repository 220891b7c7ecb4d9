import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type StrategyOptions, createStrategy } from './windows.ts';

const window = { kind: 'count-window', size: 10, failureRatio: 0.5, minimumCalls: 4 } as const;
const timed = { kind: 'time-window', windowMs: 1_000, failureRatio: 0.5, minimumCalls: 4 } as const;

describe('createStrategy', () => {
  it.each<[string, StrategyOptions]>([
    ['strategy.failures', { kind: 'consecutive', failures: 1.5 }],
    ['strategy.size', { ...window, size: 0 }],
    ['strategy.minimumCalls', { ...window, minimumCalls: 11 }],
    ['strategy.failureRatio', { ...window, failureRatio: 0 }],
    ['strategy.failureRatio', { ...timed, failureRatio: 1.1 }],
    ['strategy.windowMs', { ...timed, windowMs: 0 }],
    ['strategy.buckets', { ...timed, buckets: 0 }],
  ])('refuses %s out of range', (field, options) => {
    expect(() => createStrategy(options)).toThrow(field);
  });
});

describe.each<[string, StrategyOptions]>([
  ['count-window', window],
  ['time-window', timed],
])('%s', (_, options) => {
  it('says nothing before the minimum of calls, then judges by ratio', () => {
    const strategy = createStrategy(options);
    expect([1, 2, 3].map(() => strategy.onFailure(0, 0))).toEqual([false, false, false]);
    expect(strategy.onFailure(0, 0)).toBe(true);
    strategy.reset();
    for (let call = 0; call < 5; call += 1) strategy.onSuccess(0);
    expect([1, 2, 3, 4].map(() => strategy.onFailure(0, 0))).toEqual([false, false, false, false]);
    expect(strategy.onFailure(0, 0)).toBe(true);
  });

  it('comes back from its saved form as it was', () => {
    const calls = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 300 })), { maxLength: 60 });
    fc.assert(
      fc.property(calls, calls, (before, after) => {
        const original = createStrategy(options);
        let nowMs = 0;
        const play = (strategy: typeof original, [failed, passMs]: [boolean, number]): boolean => {
          if (failed) return strategy.onFailure(nowMs + passMs, 0);
          strategy.onSuccess(nowMs + passMs);
          return false;
        };
        for (const call of before) {
          play(original, call);
          nowMs += call[1];
        }
        const copy = createStrategy(options);
        copy.load(JSON.parse(JSON.stringify(original.save())));
        for (const call of after) {
          expect(play(copy, call)).toBe(play(original, call));
          nowMs += call[1];
        }
      }),
    );
  });
});

describe('time-window', () => {
  it('forgets what has left the window', () => {
    const strategy = createStrategy(timed);
    for (let call = 0; call < 3; call += 1) strategy.onFailure(0, 0);
    expect(strategy.onFailure(1_000, 0)).toBe(false);
  });

  it('counts a time that lags behind into the newest step', () => {
    const strategy = createStrategy(timed);
    for (let call = 0; call < 3; call += 1) strategy.onFailure(500, 0);
    expect(strategy.onFailure(399, 0)).toBe(true);
  });
});
