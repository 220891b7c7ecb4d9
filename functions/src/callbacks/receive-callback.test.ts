import { describe, expect, it } from 'vitest';
import { parseCallback } from './receive-callback.ts';

describe('parseCallback', () => {
  it.each([
    ['callback', { story_id: 's', job_id: 'j', r2_path: 'p' }, { kind: 'ready', storagePath: 'p' }],
    ['error-callback', { story_id: 's', job_id: 'j', error: 'x' }, { kind: 'failed', error: 'x' }],
    [
      'progress',
      { story_id: 's', job_id: 'j', stage: 'storing', progress: 0.5 },
      { kind: 'progress', stage: 'storing', progress: 0.5 },
    ],
  ] as const)('reads the message of %s', (route, body, message) => {
    expect(parseCallback[route](body)).toMatchObject({
      ok: true,
      value: { storyId: 's', message: { jobId: 'j', ...message } },
    });
    expect(parseCallback[route]({})).toMatchObject({ ok: false, field: 'story_id' });
    expect(parseCallback[route]('text')).toMatchObject({ ok: false, field: 'body' });
  });
});
