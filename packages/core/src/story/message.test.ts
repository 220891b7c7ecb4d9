import { describe, expect, it } from 'vitest';
import type { ErrorCallback, SuccessCallback } from '../callback/parse.ts';
import { messageFromError, messageFromProgress, messageFromSuccess } from './message.ts';

const error: ErrorCallback = {
  storyId: 's1',
  error: 'CUDA out of memory',
  errorDetails: undefined,
  userId: 'u1',
  voiceId: 'v1',
  jobId: 'j1',
  metadata: undefined,
};
const success: SuccessCallback = {
  storyId: 's1',
  userId: 'u1',
  jobId: 'j1',
  voiceId: 'v1',
  voiceName: 'Ada',
  language: 'en',
  audioUrl: 'https://cdn.test/a.mp3',
  storagePath: 'a.mp3',
  durationMs: 12,
  metadata: { a: [[1]] },
};

describe('messageFromError', () => {
  it('classifies the words', () => {
    expect(messageFromError(error)).toEqual({
      kind: 'failed',
      jobId: 'j1',
      error: 'CUDA out of memory',
      details: undefined,
      code: 'gpu_out_of_memory',
      retryable: true,
      metadata: undefined,
    });
  });

  it.each([
    [{ retryable: false }, false],
    [{ retryable: true }, true],
    [{ retryable: 'no' }, true],
    [{ retryable: null }, true],
  ])('with %j it is retryable: %s', (metadata, retryable) => {
    expect(messageFromError({ ...error, metadata }).retryable).toBe(retryable);
  });

  it('reads the error_type and the details', () => {
    expect(
      messageFromError({ ...error, error: 'Failed', metadata: { error_type: 'callback_failed' } }).code,
    ).toBe('callback_undeliverable');
    expect(messageFromError({ ...error, error: 'Failed', errorDetails: 'HTTP 429' }).code).toBe(
      'provider_rate_limited',
    );
  });

  it('makes the metadata storable', () => {
    expect(messageFromError({ ...error, metadata: { __x__: 1 } }).metadata).toEqual({
      field__x__: 1,
      _altered: ['reserved-name'],
    });
  });
});

describe('messageFromSuccess', () => {
  it('carries all but the ids of story and user, with storable metadata', () => {
    expect(messageFromSuccess(success)).toEqual({
      kind: 'ready',
      jobId: 'j1',
      voiceId: 'v1',
      voiceName: 'Ada',
      language: 'en',
      audioUrl: 'https://cdn.test/a.mp3',
      storagePath: 'a.mp3',
      durationMs: 12,
      metadata: { a: [{ 0: 1 }], _altered: ['nested-array'] },
    });
    expect(messageFromSuccess({ ...success, metadata: undefined }).metadata).toBeUndefined();
  });
});

describe('messageFromProgress', () => {
  it('carries job, stage and share', () => {
    const report = { storyId: 's1', jobId: 'j1', stage: 'encoding', progress: 0.9 };
    expect(messageFromProgress(report)).toEqual({
      kind: 'progress',
      jobId: 'j1',
      stage: 'encoding',
      progress: 0.9,
    });
  });
});

describe('metadata of a handler that echoes what it was given', () => {
  const url = 'https://tales.example/api/tts/callback?job=j1&token=abc-DEF_123#part';
  const metadata = { callback_url: url, engine: 'flite' };

  it.each([
    ['success', () => messageFromSuccess({ ...success, metadata })],
    ['error', () => messageFromError({ ...error, metadata })],
  ])('keeps the address of its %s callback without the token', (_what, read) => {
    expect(read().metadata).toEqual({
      callback_url: 'https://tales.example/api/tts/callback?job=j1&token=redacted#part',
      engine: 'flite',
    });
    expect(metadata.callback_url).toBe(url);
  });

  it('redacts tokens at any depth of the metadata, also in names', () => {
    const deep = { job: [{ input: { callback_url: url, [url]: 1 } }] };
    const stored = messageFromError({ ...error, metadata: { deep } }).metadata;
    expect(JSON.stringify(stored)).not.toContain('abc-DEF_123');
    expect(JSON.stringify(stored).match(/token=redacted#part/g)).toHaveLength(2);
  });

  it('redacts tokens in the words and the details of an error', () => {
    const { error: words, details } = messageFromError({
      ...error,
      error: `POST ${url}`,
      errorDetails: `to ${url}`,
    });
    expect([words, details].join()).not.toContain('abc-DEF_123');
  });
});
