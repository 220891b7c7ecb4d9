import { describe, expect, it } from 'vitest';
import { extrasOfOtherVoice, keptExtras, readExtras } from './kept-extras.ts';
import type { TtsJobExtras } from './tts-job.ts';

const ALL: TtsJobExtras = {
  profile_base64: 'AAAA',
  profile_path: 'private/users/u/voices/ann.wav',
  is_kids_voice: false,
  model_type: 'chatterbox',
  genre: 'fable',
  output_basename: 'tide',
  output_filename: 'tide.mp3',
};
const { profile_base64: _recording, ...KEPT } = ALL;

describe('extras of a job', () => {
  it('are kept but for the recording, and read back', () => {
    expect(keptExtras(ALL)).toEqual(KEPT);
    expect(readExtras(KEPT)).toEqual(KEPT);
  });

  it.each([undefined, null, 'x', [], {}, { profile_path: 7, is_kids_voice: 'yes', other: 'x' }])(
    'are none in %j',
    (stored) => expect(readExtras(stored)).toBeUndefined(),
  );

  it('are none when only a recording was given', () => {
    expect(keptExtras({ profile_base64: 'AAAA' })).toBeUndefined();
  });

  it('lose the voice with another voice', () => {
    const { model_type, genre, output_basename, output_filename } = ALL;
    expect(extrasOfOtherVoice(ALL)).toEqual({ model_type, genre, output_basename, output_filename });
  });
});
