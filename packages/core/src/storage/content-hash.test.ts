import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { contentHashesOf } from './content-hash.ts';
import { recordingKey } from './recording.ts';
import { ttsJobEvent, type TtsJobRequest } from '../job/tts-job.ts';

const request: TtsJobRequest = {
  jobId: 'j1',
  attempt: 1,
  storyId: 's1',
  userId: 'ada',
  text: 'Once upon a time',
  voiceId: 'v1',
  voiceName: 'Ada',
  title: 'A tale',
  language: 'en',
  storyType: 'tale',
  callbackUrl: 'https://a.example/api/tts/callback',
};
const hashOf = (over: Partial<TtsJobRequest> = {}, take = 0): string =>
  contentHashesOf(ttsJobEvent({ ...request, ...over }), take).contentHash;
const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');

describe('contentHashesOf', () => {
  it('is the SHA-256 of the documented array', () => {
    const extras = { model_type: 'm', genre: 'g', is_kids_voice: true };
    expect(hashOf({ extras }, 2)).toBe(
      sha256('[1,"Once upon a time","en","v1",{"genre":"g","is_kids_voice":true,"model_type":"m"},null,2]'),
    );
    expect(contentHashesOf(ttsJobEvent(request), 0).textHash).toBe(sha256('Once upon a time'));
  });

  it('takes a recording by its bytes, or by its path', () => {
    const profile = Buffer.from('RIFF');
    const hash = sha256(`[1,"Once upon a time","en","v1",{},"${sha256(profile)}",0]`);
    expect(hashOf({ extras: { profile_base64: profile.toString('base64') } })).toBe(hash);
    const recording_path = recordingKey({ userId: 'ada', bytes: profile, nowMs: 0 });
    expect(hashOf({ extras: { recording_path, profile_path: 'a.wav' } })).toBe(hash);
    expect(hashOf({ extras: { profile_path: 'a.wav' } })).toBe(
      sha256('[1,"Once upon a time","en","v1",{},"a.wav",0]'),
    );
  });

  it.each<[string, Partial<TtsJobRequest>, number?]>([
    ['text', { text: 'Twice' }],
    ['language', { language: 'de' }],
    ['voice', { voiceId: 'v2' }],
    ['extras', { extras: { genre: 'fable' } }],
    ['speed', { extras: { speed: 1.5 } }],
    ['recording', { extras: { profile_path: 'a.wav' } }],
    ['take', {}, 1],
  ])('changes with the %s', (_what, over, take) => {
    expect(hashOf(over, take)).not.toBe(hashOf());
  });

  it.each<[string, Partial<TtsJobRequest>]>([
    ['job', { jobId: 'j2' }],
    ['attempt', { attempt: 2 }],
    ['title', { title: 'Another' }],
    ["voice's name", { voiceName: 'Bob' }],
    ['priority', { extras: { priority: 'high' } }],
  ])('does not change with the %s', (_what, over) => {
    expect(hashOf(over)).toBe(hashOf());
  });
});
