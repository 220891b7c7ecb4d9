import { describe, expect, it } from 'vitest';
import {
  type KeptExtras,
  type TtsJobExtras,
  extrasForJob,
  extrasOfOtherVoice,
  keptExtras,
  readExtras,
} from './tts-job.ts';

const ALL: TtsJobExtras = {
  profile_base64: 'AAAA',
  profile_path: 'private/users/u/voices/ann.wav',
  is_kids_voice: false,
  model_type: 'chatterbox',
  genre: 'fable',
  output_basename: 'tide',
  output_filename: 'tide.mp3',
};
const { profile_base64: _recording, ...SMALL } = ALL;
const KEPT: KeptExtras = { ...SMALL, has_recording: true };

describe('extras of a job', () => {
  it('are kept with a mark for the recording, and read back', () => {
    expect(keptExtras(ALL)).toEqual(KEPT);
    expect(readExtras(KEPT)).toEqual(KEPT);
    expect(keptExtras(SMALL)).toEqual(SMALL);
    expect(readExtras(SMALL)).toEqual(SMALL);
  });

  it('go into a job without the mark', () => {
    expect(extrasForJob(KEPT)).toEqual(SMALL);
    expect(extrasForJob({ has_recording: true })).toBeUndefined();
  });

  it.each([
    undefined,
    null,
    'x',
    [],
    {},
    { profile_path: 7, is_kids_voice: 'yes', has_recording: 'yes', other: 'x' },
    { has_recording: false, profile_base64: 'AAAA' },
  ])('are none in %j', (stored) => expect(readExtras(stored)).toBeUndefined());

  it('are the mark alone when only a recording was given', () => {
    expect(keptExtras({ profile_base64: 'AAAA' })).toEqual({ has_recording: true });
    expect(extrasOfOtherVoice({ has_recording: true })).toBeUndefined();
  });

  it('lose the voice with another voice', () => {
    const { model_type, genre, output_basename, output_filename } = ALL;
    expect(extrasOfOtherVoice(KEPT)).toEqual({ model_type, genre, output_basename, output_filename });
  });
});
