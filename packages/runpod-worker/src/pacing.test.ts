import { describe, expect, it } from 'vitest';
import { type PollEnd, pauseAfterPoll } from './pacing.ts';

const after = (end: PollEnd, { leastMs = 212, failures = 1, random = 0 } = {}): number =>
  pauseAfterPoll(end, { leastMs, failures, nowMs: 0, random: () => random });

describe('pauseAfterPoll', () => {
  it('is none after a job', () => {
    expect(after({ kind: 'found' })).toBe(0);
  });

  it('is at least that of the poll while there is nothing, also when it fails', () => {
    expect(after({ kind: 'none' })).toBe(212);
    expect(after({ kind: 'none' }, { leastMs: 1_000 })).toBe(1_000);
    expect(after({ kind: 'failed' }, { leastMs: 1_000 })).toBe(1_000);
  });

  it.each([
    [undefined, 5_000],
    ['2', 5_000],
    ['30', 30_000],
    ['86400', 60_000],
    ['soon', 5_000],
  ])('waits after 429 with Retry-After %s', (retryAfter, pauseMs) => {
    expect(after({ kind: 'throttled', retryAfter })).toBe(pauseMs);
  });

  it('grows while polls fail, up to ten seconds, never in step', () => {
    const bounds = [1, 2, 3, 4, 5, 6, 50].map((failures) =>
      [0, 0.999_999].map((random) => Math.round(after({ kind: 'failed' }, { failures, random }))),
    );
    expect(bounds).toEqual([
      [250, 500],
      [500, 1_000],
      [1_000, 2_000],
      [2_000, 4_000],
      [4_000, 8_000],
      [5_000, 10_000],
      [5_000, 10_000],
    ]);
  });
});
