import { parseSuccessCallback, TalebackError } from '@taleback/core';
import { describe, expect, it } from 'vitest';
import { parseEvent } from './parse-event.ts';
import { type Narration, successPayload } from './report.ts';

const narration = {
  bytes: new Uint8Array(10),
  durationMs: 1234,
  chunkCount: 3,
  voiceId: 'slt',
  engine: 'flite',
};
const stored = { key: 'private/x.mp3', url: 'http://127.0.0.1:1/audio/private/x.mp3', sizeBytes: 10 };
const made = { generationTime: 1.5, workerId: 'w1' };

const payloadOf = (event: unknown, spoken: Narration = narration) => {
  const parsed = parseEvent(event);
  if (!parsed.ok) throw parsed.error;
  return successPayload(parsed.job, spoken, stored, made);
};

describe('successPayload', () => {
  it('echoes the metadata of the job and contains how the audio was made', () => {
    const metadata = {
      story_id: 's',
      user_id: 'u',
      voice_name: 'Ann',
      callback_url: 'https://a.example',
      mood: 1,
    };
    expect(
      payloadOf({ id: 'j', input: { text: 'a', voice_id: 'SLT', language: 'en-GB', metadata } }),
    ).toEqual({
      story_id: 's',
      user_id: 'u',
      voice_id: 'slt',
      voice_name: 'Ann',
      audio_url: stored.url,
      storage_path: stored.key,
      language: 'en-GB',
      job_id: 'j',
      duration_ms: 1234,
      metadata: {
        ...metadata,
        generation_time: 1.5,
        worker_id: 'w1',
        engine: 'flite',
        chunks: 3,
        size_bytes: 10,
      },
    });
  });

  it('keeps the voice that was chosen, and contains which one was used instead and why', () => {
    const error = new TalebackError('audio_missing', 'Nothing.');
    const failedBefore = [{ engine: 'flite', voiceId: 'slt', error }];
    const payload = payloadOf(
      { id: 'j', input: { text: 'a', voice_id: 'slt' } },
      {
        ...narration,
        voiceId: 'rms',
        failedBefore,
      },
    );
    expect(payload).toMatchObject({
      voice_id: 'slt',
      metadata: {
        spoken_voice_id: 'rms',
        failed_before: [{ engine: 'flite', voice_id: 'slt', error_type: 'audio_missing' }],
      },
    });
  });

  it('says null for what it does not know, as the source handlers do', () => {
    const payload = payloadOf({ input: { text: 'a', voice_id: 'v' } });
    expect(payload).toMatchObject({ story_id: 'unknown', user_id: null, voice_name: null, job_id: null });
    expect(Object.values(payload)).not.toContain(undefined);
  });

  it('is what the receiver reads', () => {
    expect(parseSuccessCallback(payloadOf({ id: 'j', input: { text: 'a', voice_id: 'v' } }))).toMatchObject({
      ok: true,
      value: {
        storyId: 'unknown',
        jobId: 'j',
        audioUrl: stored.url,
        storagePath: stored.key,
        durationMs: 1234,
      },
    });
  });
});
