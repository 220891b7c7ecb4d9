import { describe, expect, it } from 'vitest';
import { findRoute } from './routes.ts';

describe('findRoute', () => {
  it.each(['callback', 'error-callback', 'progress'])('finds %s behind Hosting and by itself', (name) => {
    for (const path of [`/api/tts/${name}`, `/${name}`, `/api/tts/${name}/`, `/${name}/`]) {
      expect(findRoute(path)).toMatchObject({ kind: 'message', name });
    }
  });

  it.each(['/api/tts/health', '/health', '/health/'])('finds health at %s', (path) => {
    expect(findRoute(path)).toEqual({ kind: 'health' });
  });

  it.each(['/api/tts/heartbeat', '/heartbeat', '/heartbeat/'])(
    'finds the heartbeats of workers at %s',
    (path) => {
      expect(findRoute(path)).toEqual({ kind: 'heartbeat' });
    },
  );

  it.each([
    '',
    '/',
    '/api/tts',
    '/api/tts/',
    '/api/tts/nothing',
    '/api/tts/Callback',
    '/API/TTS/callback',
    '/api/tts/callback/more',
    '/api/tts//callback',
    '/api/callback',
    '/x/api/tts/callback',
    '/api/tts/constructor',
    '/__proto__',
    '/api/tts/callback%20',
    '/callback\n',
  ])('finds nothing at %j', (path) => {
    expect(findRoute(path)).toBeUndefined();
  });

  it.each([
    ['callback', { story_id: 's', job_id: 'j', r2_path: 'p' }, { kind: 'ready', storagePath: 'p' }],
    ['error-callback', { story_id: 's', job_id: 'j', error: 'x' }, { kind: 'failed', error: 'x' }],
    [
      'progress',
      { story_id: 's', job_id: 'j', stage: 'storing', progress: 0.5 },
      { kind: 'progress', stage: 'storing', progress: 0.5 },
    ],
  ])('reads the message of %s', (name, body, message) => {
    const route = findRoute(`/${name}`);
    if (route?.kind !== 'message') throw new Error('no such route');
    expect(route.parse(body)).toMatchObject({
      ok: true,
      value: { storyId: 's', message: { jobId: 'j', ...message } },
    });
    expect(route.parse({})).toMatchObject({ ok: false, field: 'story_id' });
    expect(route.parse('text')).toMatchObject({ ok: false, field: 'body' });
  });
});
