import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTtsJob } from './tts-job.ts';
import { ttsJobEvent } from './tts-job.ts';

const job = ttsJobEvent({
  jobId: 'j1',
  attempt: 2,
  storyId: 's1',
  userId: 'u1',
  text: 'Once upon a time',
  voiceId: 'v1',
  voiceName: undefined,
  title: 'A tale',
  language: 'en',
  storyType: 'user',
  callbackUrl: 'https://h.test/api/tts/callback',
});
const withMetadata = (metadata: object): unknown => ({
  ...job,
  input: { ...job.input, metadata: { ...job.input.metadata, ...metadata } },
});

describe('parseTtsJob', () => {
  it('reads what was queued, with fields that a later writer adds', () => {
    const newer = { ...job, input: { ...job.input, priority: 'high' }, traceparent: 't' };
    expect(parseTtsJob(JSON.parse(JSON.stringify(newer)))).toEqual({ ok: true, value: newer });
  });

  it.each([
    [null, 'body'],
    [[], 'body'],
    [{}, 'id'],
    [{ ...job, id: 'a/b' }, 'id'],
    [{ ...job, input: 'text' }, 'input'],
    [{ ...job, input: { ...job.input, text: '' } }, 'input.text'],
    [{ ...job, input: { ...job.input, voice_id: 7 } }, 'input.voice_id'],
    [withMetadata({ story_id: '..' }), 'input.metadata.story_id'],
    [withMetadata({ callback_url: 'file:///etc/passwd' }), 'input.metadata.callback_url'],
    [withMetadata({ attempt: 0 }), 'input.metadata.attempt'],
  ])('refuses %j, naming %s', (value, field) => {
    expect(parseTtsJob(value)).toMatchObject({ ok: false, field });
  });

  it('survives anything', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(parseTtsJob(value)).toHaveProperty('ok', false);
      }),
    );
  });
});
