import { describe, expect, it } from 'vitest';
import { callableAnswer, renewalAnswer } from './callable-answer.ts';
import type { RequestAnswer } from './request-audio.ts';

describe('callableAnswer', () => {
  it.each(['opened', 'under-way', 'already-ready'] as const)('answers %s with the job', (kind) => {
    expect(callableAnswer({ kind, jobId: 'j', attempt: 2 })).toEqual({
      ok: true,
      value: { status: kind, jobId: 'j', attempt: 2 },
    });
    expect(callableAnswer({ kind, jobId: undefined, attempt: 0 })).toMatchObject({ value: { jobId: null } });
  });

  it.each<[RequestAnswer, object]>([
    [
      { kind: 'invalid', sentence: 'storyId: must be a string' },
      {
        status: 'invalid-argument',
        sentence: 'storyId: must be a string',
        details: { code: 'request_invalid' },
      },
    ],
    [
      { kind: 'no-such-story' },
      {
        status: 'not-found',
        sentence: 'storyId: you have no such story',
        details: { code: 'request_invalid', field: 'storyId' },
      },
    ],
    [
      { kind: 'unfit', code: 'text_empty', field: 'text', sentence: 'text: there is nothing to read' },
      {
        status: 'failed-precondition',
        sentence: 'text: there is nothing to read',
        details: { code: 'text_empty', field: 'text' },
      },
    ],
    [
      { kind: 'over-budget', code: 'budget_spent', sentence: 'used up', retryAtMs: 0 },
      {
        status: 'resource-exhausted',
        sentence: 'used up',
        details: { code: 'budget_spent', retryAt: '1970-01-01T00:00:00.000Z' },
      },
    ],
    [
      { kind: 'over-budget', code: 'too_many_stories', sentence: 'too many', retryAtMs: undefined },
      { status: 'resource-exhausted', sentence: 'too many', details: { code: 'too_many_stories' } },
    ],
    [
      { kind: 'store-away', cause: 'UNAVAILABLE' },
      {
        status: 'unavailable',
        sentence: expect.stringMatching(/\.$/),
        details: { code: 'queue_unavailable' },
      },
    ],
    [
      { kind: 'queue-away' },
      {
        status: 'unavailable',
        sentence: expect.stringMatching(/\.$/),
        details: { code: 'queue_unavailable' },
      },
    ],
  ])('%o', (answer, expected) => {
    expect(callableAnswer(answer)).toEqual({ ok: false, ...expected });
  });
});

describe('renewalAnswer', () => {
  it('tells whether there is another address', () => {
    expect(renewalAnswer({ kind: 'renewed' })).toEqual({ ok: true, value: { status: 'renewed' } });
    expect(renewalAnswer({ kind: 'unchanged' })).toEqual({ ok: true, value: { status: 'unchanged' } });
  });

  it.each([
    [{ kind: 'invalid', sentence: 'storyId: must be a string' }, 'invalid-argument', 'request_invalid'],
    [{ kind: 'no-such-story' }, 'not-found', 'request_invalid'],
    [{ kind: 'store-away', cause: 'UNAVAILABLE' }, 'unavailable', 'storage_unavailable'],
    [{ kind: 'audio-store-away', cause: 'signBlob' }, 'unavailable', 'storage_unavailable'],
  ] as const)('refuses %j', (answer, status, code) => {
    expect(renewalAnswer(answer)).toMatchObject({ ok: false, status, details: { code } });
  });
});
