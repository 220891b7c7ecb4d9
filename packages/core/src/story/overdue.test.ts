import { describe, expect, it } from 'vitest';
import { decideNoRetry, decideRenewal, isAsSeen, isOverdue } from './decide.ts';
import { readStoryAudio } from './story-audio.ts';

const NOW_MS = 1_800_000_000_000;
const context = { source: 'sweeper', nowMs: NOW_MS, leaseMs: 60_000 } as const;
const story = (fields: Record<string, unknown> = {}) =>
  readStoryAudio({ audioStatus: 'pending', audioJobId: 'j1', audioLeaseExpiresAt: NOW_MS, ...fields });

describe('a job', () => {
  it.each([
    ['with a lease that ends now', {}, true],
    ['with a lease that ran out under way', { audioStatus: 'processing', audioLeaseExpiresAt: 1 }, true],
    ['without a lease', { audioLeaseExpiresAt: null }, true],
    ['with a lease', { audioLeaseExpiresAt: NOW_MS + 1 }, false],
    ['that failed', { audioStatus: 'failed' }, false],
    ['that is ready', { audioStatus: 'ready' }, false],
    ['of a story never asked for', { audioStatus: undefined }, false],
  ])('%s is overdue: %s', (_what, fields, expected) => {
    expect(isOverdue(story(fields), NOW_MS)).toBe(expected);
    expect(decideRenewal(story(fields), context).kind).toBe(expected ? 'applied' : 'stale');
  });

  it('that is alive gets a new lease and nothing else', () => {
    expect(decideRenewal(story(), context)).toEqual({
      kind: 'applied',
      story: { set: { audioLeaseExpiresAt: new Date(NOW_MS + 60_000) }, remove: [] },
      attempt: undefined,
    });
  });

  it.each([
    ['the same', {}, true],
    ['more progress', { audioProgress: 0.5 }, true],
    ['another status', { audioStatus: 'processing' }, false],
    ['another job', { audioJobId: 'j2' }, false],
    ['a name at RunPod', { audioRunpodJobId: 'rp' }, false],
    ['a renewed lease', { audioLeaseExpiresAt: NOW_MS + 1 }, false],
  ])('is as it was seen with %s: %s', (_what, fields, expected) => {
    expect(isAsSeen(story(fields), story())).toBe(expected);
  });

  it('that cannot be tried again by itself loses the time for it', () => {
    expect(decideNoRetry(story({ audioRetryAt: NOW_MS }))).toMatchObject({
      kind: 'applied',
      story: { set: {}, remove: ['audioRetryAt'] },
    });
    expect(decideNoRetry(story())).toEqual({ kind: 'stale' });
  });
});
