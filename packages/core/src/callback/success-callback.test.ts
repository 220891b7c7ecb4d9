import { describe, expect, it } from 'vitest';
import { type SuccessCallback, parseSuccessCallback } from './parse.ts';

const absent: SuccessCallback = {
  storyId: 's1',
  userId: undefined,
  jobId: undefined,
  voiceId: undefined,
  voiceName: undefined,
  language: undefined,
  audioUrl: undefined,
  storagePath: undefined,
  durationMs: undefined,
  metadata: undefined,
};

const parsed = (body: Record<string, unknown>): SuccessCallback => {
  const result = parseSuccessCallback({ story_id: 's1', ...body });
  if (!result.ok) throw new Error(result.sentence);
  return result.value;
};

describe('parseSuccessCallback', () => {
  it('reads the body that handlers in the field post, null where they know nothing', () => {
    const body = {
      user_id: 'u1',
      voice_id: 'v1',
      voice_name: null,
      audio_url: 'https://cdn.test/a.mp3',
      storage_path: null,
      r2_path: 'audio/a.mp3',
      language: 'en',
      metadata: { generation_time: 3.2 },
    };
    expect(parsed(body)).toEqual({
      ...absent,
      userId: 'u1',
      voiceId: 'v1',
      audioUrl: 'https://cdn.test/a.mp3',
      storagePath: 'audio/a.mp3',
      language: 'en',
      metadata: { generation_time: 3.2 },
    });
  });

  it('keeps metadata by reference, and counts an empty one as absent', () => {
    const metadata = { a: [[1]] };
    expect(parsed({ r2_path: 'a', metadata }).metadata).toBe(metadata);
    expect(parsed({ r2_path: 'a', metadata: {} }).metadata).toBeUndefined();
  });

  it.each([
    ['an address', { audio_url: 'https://cdn.test/a.mp3' }, 'https://cdn.test/a.mp3', undefined],
    ['plain http', { audio_url: 'http://127.0.0.1:9/a' }, 'http://127.0.0.1:9/a', undefined],
    ['a scheme in capitals', { audio_url: 'HTTPS://cdn.test/a' }, 'HTTPS://cdn.test/a', undefined],
    ['storage_path', { storage_path: 'a/b.mp3' }, undefined, 'a/b.mp3'],
    ['r2_path', { r2_path: 'r/b.mp3' }, undefined, 'r/b.mp3'],
    ['storage_path before r2_path', { storage_path: 'a', r2_path: 'r' }, undefined, 'a'],
    ['r2_path where storage_path is empty', { storage_path: '', r2_path: 'r' }, undefined, 'r'],
    ['a bare path for address', { audio_url: 'audio/a.mp3' }, undefined, 'audio/a.mp3'],
    ['a bare path beside storage_path', { audio_url: 'audio/a.mp3', storage_path: 's' }, undefined, 's'],
    ['a script beside storage_path', { audio_url: 'javascript:alert(1)', storage_path: 's' }, undefined, 's'],
    [
      'an address with blanks',
      { audio_url: ' https://h.test/a b.mp3\n' },
      'https://h.test/a%20b.mp3',
      undefined,
    ],
    ['ftp beside r2_path', { audio_url: 'ftp://h.test/a', r2_path: 'r' }, undefined, 'r'],
  ])('finds the audio by %s', (_what, body, audioUrl, storagePath) => {
    expect(parsed(body)).toEqual({ ...absent, audioUrl, storagePath });
  });

  it.each([
    'javascript:alert(1)',
    ' javascript:alert(1)',
    'java\nscript:alert(1)',
    'ftp://h.test/a.mp3',
    'data:audio/mp3;base64,AA',
    'file:///etc/passwd',
    '//h.test/a.mp3',
    'https://',
    'blob:https://h.test/1',
  ])('refuses the address %j when it is all there is', (address) => {
    expect(parseSuccessCallback({ story_id: 's1', audio_url: address })).toEqual({
      ok: false,
      field: 'audio_url',
      sentence: 'audio_url: must be an http or https address',
    });
  });

  it.each([{}, { audio_url: null }, { audio_url: '', storage_path: null, r2_path: '' }])(
    'refuses %j, which has no audio',
    (body) => {
      expect(parseSuccessCallback({ story_id: 's1', ...body })).toEqual({
        ok: false,
        field: 'audio_url',
        sentence: 'audio_url: one of audio_url, storage_path and r2_path is required',
      });
    },
  );

  it.each([-1, Number.POSITIVE_INFINITY, Number.NaN, '12'])('refuses the duration %j', (duration) => {
    const result = parseSuccessCallback({ story_id: 's1', r2_path: 'a', duration_ms: duration });
    expect(!result.ok && result.field).toBe('duration_ms');
  });

  it('accepts a duration of nothing and of a fraction', () => {
    expect(parsed({ r2_path: 'a', duration_ms: 0 }).durationMs).toBe(0);
    expect(parsed({ r2_path: 'a', duration_ms: 1234.5 }).durationMs).toBe(1234.5);
  });

  it('mends broken Unicode in texts', () => {
    expect(parsed({ r2_path: 'a\ud800', voice_name: '\udc00x' })).toEqual({
      ...absent,
      storagePath: 'a\ufffd',
      voiceName: '\ufffdx',
    });
  });
});
