import { describe, expect, it } from 'vitest';
import { type TtsJobRequest, ttsJobEvent } from './tts-job.ts';

const job: TtsJobRequest = {
  jobId: 'j1',
  attempt: 2,
  storyId: 's1',
  userId: 'u1',
  text: 'Once upon a time',
  voiceId: 'v1',
  voiceName: 'Ada',
  title: 'A tale',
  language: 'en',
  storyType: 'user',
  callbackUrl: 'https://h.test/api/tts/callback',
};

describe('ttsJobEvent', () => {
  it("speaks the handler's words", () => {
    expect(ttsJobEvent(job)).toEqual({
      id: 'j1',
      input: {
        text: 'Once upon a time',
        voice_id: 'v1',
        voice_name: 'Ada',
        story_name: 'A tale',
        language: 'en',
        story_type: 'user',
        metadata: {
          story_id: 's1',
          user_id: 'u1',
          callback_url: 'https://h.test/api/tts/callback',
          attempt: 2,
        },
      },
    });
  });

  it('leaves out what is not known, so that it is the same before and after the wire', () => {
    const event = ttsJobEvent({ ...job, voiceName: undefined, title: undefined });
    expect(Object.keys(event.input)).not.toContain('voice_name');
    expect(Object.keys(event.input)).not.toContain('story_name');
    expect(JSON.parse(JSON.stringify(event))).toStrictEqual(event);
  });
});
