import { readNarration, type StoryEventKind } from '@taleback/core';
import { describe, expect, it } from 'vitest';
import { narrationEvent } from './narration-event.ts';

const NOW_MS = Date.UTC(2026, 0, 2);
const eventOf = (kind: StoryEventKind, fields: Record<string, unknown>) =>
  narrationEvent({ id: 'e1', kind, storyId: 's1', nowMs: NOW_MS }, readNarration(fields));

const ready = {
  userId: 'u1',
  text: 'Once upon a time',
  audioStatus: 'ready',
  audioJobId: 'j1',
  audioAttempt: 2,
  audioEventSequence: 3,
  audioUrl: 'https://a.test/x.mp3',
  audioStoragePath: 'p/x.mp3',
  audioDurationMs: 900,
  audioErrorCode: 'unknown',
};
const failed = {
  audioStatus: 'failed',
  audioJobId: 'j1',
  audioErrorCode: 'timed_out',
  audioErrorRetryable: true,
  audioRetryAt: new Date(NOW_MS + 60_000),
  audioUrl: 'https://a.test/of-before.mp3',
};

describe('narrationEvent', () => {
  it('says that a narration is ready', () => {
    expect(eventOf('ready', ready)).toEqual({
      specversion: '1.0',
      id: 'e1',
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
        sequence: 3,
        status: 'ready',
        audioUrl: 'https://a.test/x.mp3',
        storagePath: 'p/x.mp3',
        durationMs: 900,
      },
    });
  });

  it('says that a narration has an address now', () => {
    expect(eventOf('updated', ready)).toMatchObject({
      type: 'dev.taleback.narration.updated',
      data: { status: 'ready', audioUrl: 'https://a.test/x.mp3' },
    });
  });

  it('says that one failed, and when it is retried', () => {
    expect(eventOf('failed', failed).data).toEqual({
      storyId: 's1',
      jobId: 'j1',
      attempt: 0,
      sequence: 0,
      status: 'failed',
      code: 'timed_out',
      retryable: true,
      retryAt: '2026-01-02T00:01:00.000Z',
    });
  });

  it('says that one is not retried after all', () => {
    const event = eventOf('gave-up', { ...failed, audioRetryAt: undefined });
    expect(event).toMatchObject({
      type: 'dev.taleback.narration.failed',
      data: { final: true, code: 'timed_out' },
    });
    expect(event.data).not.toHaveProperty('retryAt');
  });

  it('says that one was cancelled, and nothing of the audio before it', () => {
    expect(eventOf('cancelled', ready)).toMatchObject({ type: 'dev.taleback.narration.cancelled' });
    expect(eventOf('cancelled', ready).data).toEqual({
      storyId: 's1',
      userId: 'u1',
      jobId: 'j1',
      attempt: 2,
      sequence: 3,
      status: 'cancelled',
    });
  });

  it('has no field without a value, whatever the document holds', () => {
    const event = eventOf('failed', {
      audioStatus: 'failed',
      audioJobId: 'j',
      audioErrorCode: 7,
      audioErrorRetryable: 'yes',
    });
    expect(event.data).toEqual({ storyId: 's1', jobId: 'j', attempt: 0, sequence: 0, status: 'failed' });
  });
});
