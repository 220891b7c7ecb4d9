import { readNarration } from '@taleback/core';
import { describe, expect, it } from 'vitest';
import { narrationEvent } from './narration-event.ts';

const NOW_MS = Date.UTC(2026, 0, 2);
const eventOf = (fields: Record<string, unknown>) => narrationEvent('s1', readNarration(fields), NOW_MS);

describe('narrationEvent', () => {
  it('tells of a narration that is ready', () => {
    const story = {
      userId: 'u1',
      text: 'Once upon a time',
      audioStatus: 'ready',
      audioJobId: 'j1',
      audioAttempt: 2,
      audioUrl: 'https://a.test/x.mp3',
      audioStoragePath: 'p/x.mp3',
      audioDurationMs: 900,
      audioErrorCode: 'unknown',
    };
    expect(eventOf(story)).toEqual({
      specversion: '1.0',
      id: 's1.j1.ready',
      source: '/taleback/functions',
      type: 'dev.taleback.narration.ready',
      subject: 's1',
      time: '2026-01-02T00:00:00.000Z',
      datacontenttype: 'application/json',
      data: {
        storyId: 's1',
        userId: 'u1',
        jobId: 'j1',
        attempt: 2,
        status: 'ready',
        audioUrl: 'https://a.test/x.mp3',
        storagePath: 'p/x.mp3',
        durationMs: 900,
      },
    });
  });

  it('tells of one that failed, and when it is tried again', () => {
    const story = {
      audioStatus: 'failed',
      audioJobId: 'j1',
      audioErrorCode: 'timed_out',
      audioErrorRetryable: true,
      audioRetryAt: new Date(NOW_MS + 60_000),
      audioUrl: 'https://a.test/of-before.mp3',
    };
    expect(eventOf(story)).toMatchObject({
      id: 's1.j1.failed.retrying',
      type: 'dev.taleback.narration.failed',
    });
    expect(eventOf(story)?.data).toEqual({
      storyId: 's1',
      jobId: 'j1',
      attempt: 0,
      status: 'failed',
      code: 'timed_out',
      retryable: true,
      retryAt: '2026-01-02T00:01:00.000Z',
    });
  });

  it('names a narration of other systems by its story and attempt', () => {
    expect(eventOf({ audioStatus: 'ready' })?.id).toBe('s1.0.ready');
  });

  it.each(['pending', 'processing', undefined])('tells nothing of one that is %s', (audioStatus) => {
    expect(eventOf({ audioStatus, audioJobId: 'j1' })).toBeUndefined();
  });

  it('holds no field without a value, whatever stands in the document', () => {
    const event = eventOf({
      audioStatus: 'failed',
      audioJobId: 'j',
      audioErrorCode: 7,
      audioErrorRetryable: 'yes',
    });
    expect(event?.data).toEqual({ storyId: 's1', jobId: 'j', attempt: 0, status: 'failed' });
  });
});
