import { DEFAULT_STORY_LIMITS, type KeptExtras, readStoryAudio } from '@taleback/core';
import { describe, expect, it } from 'vitest';
import { decideStoryOpening, findLostRecording, type StoryRequest } from './open-story.ts';

const OWN = 'private/users/u1/voices/ann.wav';

describe('findLostRecording', () => {
  it.each([
    ['no extras', undefined],
    ['a voice without a recording', { genre: 'fable' }],
    ['a path of the owner', { profile_path: OWN }],
    ['a path of the owner beside the recording that was sent', { profile_path: OWN, has_recording: true }],
    ['a path of nobody', { profile_path: 'voices/ann.wav' }],
  ])('finds none with %s', (_, extras) => {
    expect(findLostRecording(extras, 'u1')).toBeUndefined();
  });

  it.each([
    ['a recording that was sent', { has_recording: true }, 'u1', /not kept/],
    ['a path of a former owner', { profile_path: OWN }, 'u2', /owner/],
    ['both', { profile_path: OWN, has_recording: true }, 'u2', /owner/],
    ['a path that climbs', { profile_path: '../ann.wav' }, 'u1', /owner/],
    ['a path in other letters', { profile_path: 'private%2Fusers/u1/voices/ann.wav' }, 'u2', /owner/],
  ])('finds %s', (_, extras, ownerId, sentence) => {
    expect(findLostRecording(extras, ownerId)).toEqual({
      kind: 'unfit',
      code: 'voice_profile_missing',
      field: 'voiceId',
      sentence: expect.stringMatching(sentence),
    });
  });
});

const open = (extras: KeptExtras | undefined, request: Partial<StoryRequest> = {}) => {
  const words = { userId: 'u1', title: 'T', text: 'Once.', language: 'en', voiceId: 'ann', voiceName: 'Ann' };
  const story = { ...words, storyType: 'user', extras, audio: readStoryAudio({}) };
  const asked = { kind: 'request', requestedBy: 'u1', storyId: 's1', userId: 'u1', jobId: 'j1' } as const;
  const leases = { pendingLeaseMs: 1, now: () => 0 };
  const rules = {
    limits: DEFAULT_STORY_LIMITS,
    defaultVoice: 'slt',
    callbackUrl: 'https://a.example/',
    ...leases,
  };
  const decision = decideStoryOpening(story, { ...asked, ...request }, rules);
  if (decision.kind !== 'opened') throw new Error(decision.kind);
  const { set, remove } = decision.story;
  return { input: decision.job.input, kept: set['audioJobExtras'], remove };
};

describe('decideStoryOpening', () => {
  it('makes a job with all that the story kept', () => {
    const extras = { speed: 0.9, pause_scale: 2, priority: 'low', storage_path: OWN } as const;
    const { input, kept, remove } = open(extras);
    expect(input).toMatchObject(extras);
    expect([kept, remove]).toEqual([undefined, expect.not.arrayContaining(['audioJobExtras'])]);
  });

  it.each([undefined, { genre: 'fable' }, { genre: 'fable', priority: 'low' }] as const)(
    'gives the job the priority of its person, and keeps it: %o',
    (extras) => {
      const { input, kept } = open(extras, { priority: 'high' });
      expect(input).toMatchObject({ ...extras, priority: 'high' });
      expect(kept).toEqual({ ...extras, priority: 'high' });
    },
  );

  it('does not store audio where a former owner had it', () => {
    const { input, kept } = open({ genre: 'fable', storage_path: 'private/users/u9/x.mp3' });
    expect(input).not.toHaveProperty('storage_path');
    expect(kept).toEqual({ genre: 'fable' });
  });

  it('removes what belonged to another voice', () => {
    const { input, remove } = open({ is_kids_voice: true }, { voiceId: 'bob' });
    expect(input).not.toHaveProperty('is_kids_voice');
    expect(remove).toEqual(expect.arrayContaining(['voiceName', 'audioJobExtras']));
    expect(open({ is_kids_voice: true, speed: 2 }, { voiceId: 'bob' }).kept).toEqual({ speed: 2 });
  });
});
