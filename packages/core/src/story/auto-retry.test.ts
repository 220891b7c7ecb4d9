import { describe, expect, it } from 'vitest';
import { ERROR_CATALOGUE, type ErrorCode } from '../errors/catalogue.ts';
import { autoRetryAt, isRetryDue, isTransient } from './changes.ts';
import type { FailedMessage } from './message.ts';
import { readStoryAudio } from './story-audio.ts';

const NOW_MS = 1_800_000_000_000;
const failed = (code: ErrorCode, retryable = true): FailedMessage => ({
  kind: 'failed',
  jobId: 'j1',
  error: 'boom',
  details: undefined,
  code,
  retryable,
  metadata: undefined,
});
const context = (limit: number, delaysMs = [60_000, 300_000]) =>
  ({ source: 'callback', nowMs: NOW_MS, leaseMs: 1, autoRetry: { limit, delaysMs } }) as const;
const storyAfter = (audioAutoRetries?: number, audioAttempt = 1) =>
  readStoryAudio({ audioStatus: 'processing', audioJobId: 'j1', audioAttempt, audioAutoRetries });

describe('a failure that is temporary', () => {
  it('is every retryable one of a passing category that no one wanted', () => {
    const codes = (Object.keys(ERROR_CATALOGUE) as ErrorCode[]).filter((code) =>
      isTransient({ code, retryable: ERROR_CATALOGUE[code].retryable }),
    );
    expect(codes.sort()).toEqual([
      'callback_undeliverable',
      'circuit_open',
      'disk_full',
      'dns_failed',
      'gpu_out_of_memory',
      'internal',
      'lease_expired',
      'machine_overloaded',
      'memory_exhausted',
      'network_unreachable',
      'provider_rate_limited',
      'provider_unavailable',
      'queue_full',
      'queue_unavailable',
      'system_protection',
      'timed_out',
      'unknown',
      'worker_lost',
    ]);
  });

  it.each<[ErrorCode, boolean]>([
    ['worker_lost', false],
    ['voice_not_found', true],
    ['job_cancelled', true],
    ['synthesis_disabled', true],
  ])('is not %s, said to be retryable: %s', (code, retryable) => {
    expect(isTransient({ code, retryable })).toBe(false);
  });
});

describe('autoRetryAt', () => {
  it('leaves a job to its creator, when the story does not hold all that it was made of', () => {
    const story = readStoryAudio({ audioStatus: 'processing', audioAttempt: 1, audioAutoRetry: false });
    expect(autoRetryAt(story, failed('timed_out'), context(2))).toBeUndefined();
  });

  it.each([
    ['the first time', storyAfter(), 60_000],
    ['the second time', storyAfter(1), 300_000],
    ['a number that makes no sense', storyAfter(-4), 60_000],
  ])('waits longer each time: %s', (_what, story, delayMs) => {
    expect(autoRetryAt(story, failed('timed_out'), context(2))).toEqual(new Date(NOW_MS + delayMs));
  });

  it('waits the last of the delays from then on', () => {
    expect(autoRetryAt(storyAfter(4), failed('timed_out'), context(5))).toEqual(new Date(NOW_MS + 300_000));
  });

  it.each([
    ['the tries are spent', storyAfter(2), failed('timed_out'), context(2)],
    ['none are wanted', storyAfter(), failed('timed_out'), context(0)],
    ['there is no delay', storyAfter(), failed('timed_out'), context(2, [])],
    ['the cause stays', storyAfter(), failed('audio_missing'), context(2)],
    ['the story was never opened here', storyAfter(0, 0), failed('timed_out'), context(2)],
    [
      'nothing is said of it',
      storyAfter(),
      failed('timed_out'),
      { source: 'callback', nowMs: 0, leaseMs: 1 } as const,
    ],
  ])('never comes when %s', (_what, story, failure, told) => {
    expect(autoRetryAt(story, failure, told)).toBeUndefined();
  });
});

describe('isRetryDue', () => {
  it.each([
    ['failed', NOW_MS, true],
    ['failed', NOW_MS + 1, false],
    ['failed', undefined, false],
    ['pending', NOW_MS, false],
    ['ready', NOW_MS, false],
  ])('%s, at %s: %s', (audioStatus, audioRetryAt, isDue) => {
    expect(isRetryDue(readStoryAudio({ audioStatus, audioRetryAt }), NOW_MS)).toBe(isDue);
  });
});
