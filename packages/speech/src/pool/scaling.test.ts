import { describe, expect, it } from 'vitest';
import { parseManagerConfig } from './pool-config.ts';
import { isSettled, maySpare, reasonToRecycle, restartDelayMs, wantsAnother } from './scaling.ts';

const { workerPool } = parseManagerConfig();

describe('wantsAnother', () => {
  it.each([
    [4, 1, 0, false],
    [5, 1, 0, true],
    [5, 4, 0, true],
    [5_000, 5, 0, false],
    [9, 2, 1, false],
    [10, 2, 1, true],
  ])(
    'scaleUpThreshold 5: %i waiting, %i workers, %i starting: %s',
    (queueDepth, workers, starting, wanted) => {
      expect(wantsAnother({ queueDepth, workers, starting }, workerPool)).toBe(wanted);
    },
  );
});

describe('maySpare', () => {
  it.each([
    [29_999, 2, false],
    [30_000, 2, true],
    [900_000, 1, false],
    [30_000, 5, true],
  ])('scaleDownThreshold 30000: idle %i ms, %i workers: %s', (idleMs, workers, spared) => {
    expect(maySpare(idleMs, workers, workerPool)).toBe(spared);
  });
});

describe('reasonToRecycle', () => {
  const GIBIBYTE = 2 ** 30;

  it.each([
    [1_999, GIBIBYTE - 1, undefined],
    [2_000, 0, 'recycled after 2000 requests'],
    [1, GIBIBYTE, 'recycled: it uses 1024 MiB'],
    // A new child would be no smaller.
    [0, 8 * GIBIBYTE, undefined],
  ])('recycling: %i requests, %i bytes: %s', (childJobs, rssBytes, reason) => {
    expect(reasonToRecycle({ childJobs, rssBytes }, workerPool)).toBe(reason);
  });
});

describe('restartDelayMs', () => {
  it('comes at once, then after more and more time, up to 30 s', () => {
    const delays = Array.from({ length: 12 }, (_, losses) =>
      restartDelayMs(losses, () => 1 - Number.EPSILON),
    );
    expect(delays.map(Math.ceil)).toEqual([
      0, 100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000,
    ]);
  });
});

describe('isSettled', () => {
  it.each([
    ['did a request', { childJobs: 1, servedMs: 5 }, true],
    ['lived for ten seconds', { childJobs: 0, servedMs: 10_000 }, true],
    ['only started', { childJobs: 0, servedMs: 9_999 }, false],
  ])('a child that %s', (_what, life, settled) => {
    expect(isSettled(life)).toBe(settled);
  });
});
