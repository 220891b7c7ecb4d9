import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Backoff,
  type ExponentialBackoff,
  backoffDelayMs,
  backoffSchedule,
  checkBackoff,
  delayBounds,
  nominalDelayMs,
} from './backoff.ts';

const jitter = fc.constantFrom('none', 'full', 'equal' as const);
const exponential: fc.Arbitrary<ExponentialBackoff> = fc
  .record({
    kind: fc.constant('exponential' as const),
    initialMs: fc.integer({ min: 0, max: 10_000 }),
    factor: fc.double({ min: 1, max: 10, noNaN: true }),
    maxMs: fc.integer({ min: 0, max: 100_000 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    jitter,
  })
  .map(({ share, ...backoff }) => ({ ...backoff, minMs: share * backoff.maxMs }));
const scheduled: fc.Arbitrary<Backoff> = fc.record({
  kind: fc.constant('schedule' as const),
  delaysMs: fc.array(fc.integer({ min: 0, max: 100_000 }), { minLength: 1, maxLength: 10 }),
  jitter,
});
const backoffs = fc.oneof(exponential, scheduled);
const retries = fc.integer({ min: 1, max: 5_000 });
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('backoffDelayMs', () => {
  it('always lies within its bounds, and its bounds within the backoff', () => {
    fc.assert(
      fc.property(backoffs, retries, chance, (backoff, retry, random) => {
        checkBackoff(backoff);
        const { minMs, maxMs } = delayBounds(backoff, retry);
        const delayMs = backoffDelayMs(backoff, retry, () => random);
        expect(delayMs).toBeGreaterThanOrEqual(minMs);
        expect(delayMs).toBeLessThanOrEqual(maxMs);
        expect(Number.isFinite(maxMs)).toBe(true);
        const limits =
          backoff.kind === 'exponential'
            ? [backoff.minMs ?? 0, backoff.maxMs]
            : [0, Math.max(...backoff.delaysMs)];
        expect(minMs).toBeGreaterThanOrEqual(limits[0] ?? 0);
        expect(maxMs).toBeLessThanOrEqual(limits[1] ?? 0);
      }),
    );
  });

  it('never shrinks from one retry to the next, without chance', () => {
    fc.assert(
      fc.property(exponential, retries, (backoff, retry) => {
        expect(nominalDelayMs(backoff, retry + 1)).toBeGreaterThanOrEqual(nominalDelayMs(backoff, retry));
      }),
    );
  });

  it('spreads as its jitter says', () => {
    const base = { kind: 'exponential', initialMs: 1_000, maxMs: 60_000 } as const;
    const at = (kind: 'none' | 'full' | 'equal', random: number): number =>
      backoffDelayMs({ ...base, jitter: kind }, 2, () => random);
    expect([at('none', 0), at('none', 0.99)]).toEqual([2_000, 2_000]);
    expect([at('full', 0), at('full', 0.5)]).toEqual([0, 1_000]);
    expect([at('equal', 0), at('equal', 0.5)]).toEqual([1_000, 1_500]);
  });
});

describe('backoffSchedule', () => {
  it('doubles up to the cap by default', () => {
    const backoff: Backoff = { kind: 'exponential', initialMs: 1_000, maxMs: 5_000, jitter: 'full' };
    expect(backoffSchedule(backoff, 5)).toEqual([1_000, 2_000, 4_000, 5_000, 5_000]);
  });

  it('repeats the last written delay', () => {
    const backoff: Backoff = { kind: 'schedule', delaysMs: [5, 60], jitter: 'none' };
    expect(backoffSchedule(backoff, 4)).toEqual([5, 60, 60, 60]);
  });
});

describe('checkBackoff', () => {
  const good: ExponentialBackoff = { kind: 'exponential', initialMs: 1, maxMs: 10, jitter: 'none' };
  it.each<[string, Backoff]>([
    ['backoff.initialMs', { ...good, initialMs: -1 }],
    ['backoff.factor', { ...good, factor: 0.5 }],
    ['backoff.maxMs', { ...good, maxMs: Number.NaN }],
    ['backoff.minMs', { ...good, minMs: 11 }],
    ['backoff.delaysMs', { kind: 'schedule', delaysMs: [], jitter: 'none' }],
    ['backoff.delaysMs[1]', { kind: 'schedule', delaysMs: [1, -1], jitter: 'none' }],
  ])('names %s', (field, backoff) => {
    expect(() => checkBackoff(backoff)).toThrow(field);
  });
});
