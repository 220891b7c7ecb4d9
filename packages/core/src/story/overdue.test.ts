import { describe, expect, it } from 'vitest';
import { isRetryLost } from './changes.ts';
import { decideLease, decideNoRetry, decideRenewal, isAsSeen, isOverdue } from './overdue.ts';
import { readAttemptAudio, readStoryAudio } from './story-audio.ts';

const NOW_MS = 1_800_000_000_000;
const context = { source: 'sweeper', nowMs: NOW_MS, leaseMs: 60_000 } as const;
const story = (fields: Record<string, unknown> = {}) =>
  readStoryAudio({ audioStatus: 'pending', audioJobId: 'j1', audioLeaseExpiresAt: NOW_MS, ...fields });
const attemptIn = (status: string) => ({ current: readAttemptAudio('j1', { number: 1, status }) });

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

  it('without a lease gets one, and loses a job that has ended', () => {
    const audioLeaseExpiresAt = new Date(NOW_MS + 60_000);
    const seen = story({ audioLeaseExpiresAt: null });
    const decided = (status: string) => decideLease(seen, attemptIn(status), context).story;
    expect(decided('pending')).toEqual({ set: { audioLeaseExpiresAt }, remove: [] });
    expect(decided('failed')).toEqual({
      set: { audioLeaseExpiresAt },
      remove: ['audioJobId', 'audioRunpodJobId'],
    });
    expect(decideLease(story({ audioStatus: 'ready' }), {}, context)).toEqual({ kind: 'stale' });
  });

  it.each([
    ['absent', null, false],
    ['past', new Date(NOW_MS - 1), false],
    ['a number in five minutes', NOW_MS + 300_000, false],
    ['in two days', new Date(NOW_MS + 2 * 86_400_000), true],
    ['a number past the last date', 1e20, true],
    ['words', 'soon', true],
    ['a map', { seconds: 1 }, true],
  ])('that failed is never tried again when the time for it is %s: %s', (_what, audioRetryAt, expected) => {
    expect(isRetryLost(story({ audioStatus: 'failed', audioRetryAt }), NOW_MS)).toBe(expected);
    expect(isRetryLost(story({ audioRetryAt }), NOW_MS)).toBe(false);
  });

  it('that cannot be tried again automatically loses the time for it', () => {
    expect(decideNoRetry(story({ audioRetryAt: NOW_MS }))).toMatchObject({
      kind: 'applied',
      story: { set: {}, remove: ['audioRetryAt'] },
    });
    expect(decideNoRetry(story())).toEqual({ kind: 'stale' });
  });
});
