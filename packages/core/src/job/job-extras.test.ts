import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  extrasForJob,
  extrasOfOtherVoice,
  isBase64,
  type KeptExtras,
  keptExtras,
  readExtras,
  type TtsJobExtras,
} from './job-extras.ts';

const ALL: TtsJobExtras = {
  profile_base64: 'AAAA',
  profile_path: 'private/users/u/voices/ann.wav',
  is_kids_voice: false,
  model_type: 'chatterbox',
  genre: 'fable',
  output_basename: 'tide',
  output_filename: 'tide.mp3',
  storage_path: 'audio/tide.mp3',
  speed: 0.9,
  pause_scale: 1.5,
  exaggeration: 0.7,
  cfg_weight: 0.4,
  temperature: 0.8,
  allow_other_voice: true,
  priority: 'high',
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
    { profile_path: 7, is_kids_voice: 'yes', has_recording: 'yes', other: 'x', speed: 9, priority: 'now' },
    { has_recording: false, profile_base64: 'AAAA' },
  ])('are none in %j', (stored) => expect(readExtras(stored)).toBeUndefined());

  it('are the mark alone when only a recording was given', () => {
    expect(keptExtras({ profile_base64: 'AAAA' })).toEqual({ has_recording: true });
    expect(extrasOfOtherVoice({ has_recording: true })).toBeUndefined();
  });

  it('lose the voice with another voice', () => {
    const { profile_path: _path, is_kids_voice: _isKidsVoice, ...others } = SMALL;
    expect(extrasOfOtherVoice(KEPT)).toEqual(others);
  });
});

const MEGABYTES = 4 * 2 ** 20;

describe('isBase64', () => {
  it.each(['AAAA', 'AA==', 'AAA=', 'AAA', ' AA\r\nAA == \n', '-_+/', 'a', 'AA=\n'])('takes %j', (text) => {
    expect(isBase64(text)).toBe(true);
  });

  it.each([
    '',
    ' ',
    '=',
    ' ==',
    'AA===',
    'AA= =',
    'A=A',
    'AA==A',
    'AA==\nAA',
    'not base64!',
    'AAAA\u00e4',
    'AA\0',
    'data:audio/wav;base64,AAAA',
  ])('refuses %j', (text) => {
    expect(isBase64(text)).toBe(false);
  });

  it('takes whatever Buffer writes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), (bytes) => {
        const buffer = Buffer.from(bytes);
        expect([isBase64(buffer.toString('base64')), isBase64(buffer.toString('base64url'))]).toEqual([
          true,
          true,
        ]);
      }),
    );
  });

  it.each([
    ['letters', 'A'.repeat(MEGABYTES), true],
    ['letters and one stray', `${'A'.repeat(MEGABYTES)}!`, false],
    ['white space and one stray', `A${' '.repeat(MEGABYTES)}!`, false],
    ['padding, white space and one stray', `A==${'\n'.repeat(MEGABYTES)}!`, false],
    ['padding without end', `A${'='.repeat(MEGABYTES)}`, false],
    ['lines', 'AAAA\r\n'.repeat(MEGABYTES / 6), true],
    ['white space alone', ' '.repeat(MEGABYTES), false],
  ])('looks once at megabytes of %s', (_, text, expected) => {
    // A pattern that goes back over its steps would take hours.
    expect(isBase64(text)).toBe(expected);
  });
});
