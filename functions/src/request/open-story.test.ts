import { describe, expect, it } from 'vitest';
import { findLostRecording } from './open-story.ts';

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
