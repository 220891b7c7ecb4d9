import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { messageFromReport, parseRunpodReport } from './report.ts';

const JOB = { storyId: 's1', jobId: 'j1' };
const read = (body: object) => {
  const parsed = parseRunpodReport({ id: 'rp-1', ...body });
  if (!parsed.ok) throw new Error(parsed.sentence);
  return messageFromReport(JOB, parsed.value);
};

describe('parseRunpodReport', () => {
  it.each([
    [null, 'body'],
    [[], 'body'],
    ['COMPLETED', 'body'],
    [{ status: 'COMPLETED' }, 'id'],
    [{ id: '', status: 'COMPLETED' }, 'id'],
    [{ id: 'x'.repeat(201), status: 'COMPLETED' }, 'id'],
    [{ id: 'rp-1' }, 'status'],
    [{ id: 'rp-1', status: 'DONE' }, 'status'],
    [{ id: 'rp-1', status: ['COMPLETED'] }, 'status'],
  ])('refuses %j, naming %s', (body, field) => {
    expect(parseRunpodReport(body)).toMatchObject({ ok: false, field });
  });

  it('survives anything', () => {
    const fields = fc.dictionary(
      fc.constantFrom('id', 'status', 'output', 'error', 'workerId', 'executionTime'),
      fc.oneof(fc.anything(), fc.constantFrom('rp-1', 'COMPLETED', 'FAILED')),
    );
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fields), (body) => {
        const parsed = parseRunpodReport(body);
        expect(parsed.ok ? messageFromReport(JOB, parsed.value) : undefined).toSatisfy(isSoundMessage);
      }),
      { numRuns: 500 },
    );
  });
});

const isSoundMessage = (message: ReturnType<typeof messageFromReport>): boolean =>
  message === undefined ||
  (message.jobId === JOB.jobId &&
    (message.kind === 'ready'
      ? (message.audioUrl ?? message.storagePath) !== undefined
      : message.kind === 'failed' && message.error.length > 0));

describe('messageFromReport', () => {
  it.each(['firebase_url', 'storage_url', 'r2_url'])('finds the address of the audio in %s', (field) => {
    const output = {
      status: 'success',
      audio_url: null,
      [field]: 'https://a.test/x.mp3',
      r2_path: 'p/x.mp3',
    };
    expect(read({ status: 'COMPLETED', output })).toMatchObject({
      kind: 'ready',
      audioUrl: 'https://a.test/x.mp3',
      storagePath: 'p/x.mp3',
    });
    const own = { ...output, audio_url: 'https://a.test/own.mp3' };
    expect(read({ status: 'COMPLETED', output: own })).toMatchObject({ audioUrl: 'https://a.test/own.mp3' });
  });

  it.each(['IN_QUEUE', 'IN_PROGRESS', 'RUNNING'])('says nothing of a job that is %s', (status) => {
    expect(read({ status })).toBeUndefined();
  });

  it.each([
    [
      "our worker's result",
      {
        status: 'success',
        audio_url: 'https://a.test/x.mp3',
        storage_path: 'p/x.mp3',
        duration_ms: 900,
        generation_time: 2.5,
      },
      {
        audioUrl: 'https://a.test/x.mp3',
        storagePath: 'p/x.mp3',
        durationMs: 900,
        metadata: { generation_time: 2.5 },
      },
    ],
    [
      "a Python handler's",
      { status: 'success', r2_path: 'p/x.mp3', voice_id: 'v' },
      { storagePath: 'p/x.mp3', voiceId: 'v' },
    ],
    ['the last of a generator', [{ progress: 1 }, { storage_path: 'p/x.mp3' }], { storagePath: 'p/x.mp3' }],
    [
      'a result made text of, by Python',
      '{"storage_path":"p/x.mp3","generation_time":NaN}',
      { storagePath: 'p/x.mp3' },
    ],
    [
      'a result with nothing in its error, and a path for one of its addresses',
      { error: ' ', audio_url: 'gs://b/x.mp3', firebase_url: 'https://a.test/x.mp3' },
      { audioUrl: 'https://a.test/x.mp3' },
    ],
    [
      'a result with fields of a wrong type',
      { storage_path: 'p/x.mp3', duration_ms: 'long', voice_id: 7, metadata: [] },
      { storagePath: 'p/x.mp3', durationMs: undefined, voiceId: undefined },
    ],
  ])('is ready with %s', (_what, output, expected) => {
    expect(read({ status: 'COMPLETED', output })).toMatchObject({ kind: 'ready', jobId: 'j1', ...expected });
  });

  it('keeps which worker took how long', () => {
    const message = read({
      status: 'COMPLETED',
      output: { storage_path: 'p' },
      workerId: 'w9',
      executionTime: 157,
    });
    expect(message).toMatchObject({ metadata: { worker_id: 'w9', execution_time_ms: 157 } });
  });

  it.each([
    ['no output', undefined, 'audio_missing', true],
    ['an empty one', {}, 'audio_missing', true],
    ['success and no audio', { status: 'success' }, 'audio_missing', true],
    ['an address that nobody can play', { audio_url: 'ftp://a/x.mp3' }, 'audio_missing', true],
    ['text', 'done', 'audio_missing', true],
    [
      'an error of our worker',
      { status: 'error', error: 'x', error_type: 'voice_not_found', retryable: false },
      'voice_not_found',
      false,
    ],
    [
      "a handler's words",
      { status: 'error', error: 'Voice profile not found' },
      'voice_profile_missing',
      false,
    ],
    ['an error beside audio', { error: 'CUDA out of memory', storage_path: 'p' }, 'gpu_out_of_memory', true],
    [
      "a handler's message beside its status",
      { status: 'error', message: 'CUDA out of memory' },
      'gpu_out_of_memory',
      true,
    ],
    ['another', { status: 'error', message: 'Voice profile not found' }, 'voice_profile_missing', false],
    ['an error object', { error: { message: 'quota exceeded' } }, 'provider_quota_exceeded', false],
  ])('has failed although it completed, with %s', (_what, output, code, retryable) => {
    expect(read({ status: 'COMPLETED', output })).toMatchObject({
      kind: 'failed',
      jobId: 'j1',
      code,
      retryable,
    });
  });

  it.each([
    [{ status: 'FAILED', error: 'CUDA out of memory' }, 'gpu_out_of_memory', 'CUDA out of memory'],
    [{ status: 'FAILED' }, 'unknown', expect.stringMatching(/\.$/)],
    [{ status: 'FAILED', output: { error: 'disk full' } }, 'disk_full', 'disk full'],
    [{ status: 'FAILED', error: ' ', output: { message: 'disk full' } }, 'disk_full', 'disk full'],
    [{ status: 'CANCELLED', error: 'whatever' }, 'job_cancelled', expect.stringMatching(/\.$/)],
    [{ status: 'TIMED_OUT' }, 'timed_out', expect.stringMatching(/\.$/)],
    [{ status: 'COMPLETED', error: 'late error' }, 'unknown', 'late error'],
  ])('%j is %s', (body, code, error) => {
    expect(read(body)).toMatchObject({ kind: 'failed', code, error });
  });

  it('keeps a traceback out of the sentence', () => {
    const error = JSON.stringify({
      error_type: "<class 'RuntimeError'>",
      error_message: 'CUDA out of memory. Tried to allocate 20 MiB',
      error_traceback: 'Traceback (most recent call last):\n  File "/app/handler.py"\nRuntimeError',
    });
    const message = read({ status: 'FAILED', error });
    expect(message).toMatchObject({
      error: 'CUDA out of memory. Tried to allocate 20 MiB',
      code: 'gpu_out_of_memory',
      details: expect.stringContaining('Traceback'),
    });
  });
});
