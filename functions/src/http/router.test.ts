import { describe, expect, it } from 'vitest';
import { findRoute } from './router.ts';

describe('findRoute', () => {
  it.each(['callback', 'error-callback', 'progress', 'generate', 'heartbeat', 'runpod-webhook'])(
    'finds %s behind Hosting and when the function is called directly',
    (name) => {
      for (const path of [`/api/tts/${name}`, `/${name}`, `/api/tts/${name}/`, `/${name}/`])
        expect(findRoute(path)).toMatchObject({ methods: 'POST' });
    },
  );

  it.each(['/api/tts/health', '/health', '/health/'])('finds health at %s', (path) => {
    expect(findRoute(path)).toMatchObject({ methods: 'GET, HEAD' });
  });

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
});
