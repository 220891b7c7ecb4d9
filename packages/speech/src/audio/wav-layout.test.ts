import { describe, expect, test } from 'vitest';
import { formatWav } from './wav.ts';
import { EXTENSIBLE_FORMAT, FLOAT_FORMAT, isWav, PCM_FORMAT, readWavLayout } from './wav-layout.ts';

const WAV = formatWav({ sampleRateHz: 16_000, samples: Int16Array.of(1, 2, 3) });

/** A file whose format block has so many bytes, the true format standing in its extension. */
const extensible = (formatBytes: number): Buffer => {
  const format = Buffer.alloc(48);
  format.write('fmt ', 'latin1');
  format.writeUInt32LE(formatBytes, 4);
  format.writeUInt16LE(EXTENSIBLE_FORMAT, 8);
  format.writeUInt16LE(2, 10);
  format.writeUInt32LE(48_000, 12);
  format.writeUInt16LE(32, 22);
  format.writeUInt16LE(FLOAT_FORMAT, 32);
  return Buffer.concat([WAV.subarray(0, 12), format.subarray(0, 8 + formatBytes), WAV.subarray(36)]);
};

describe('the layout of a WAV file', () => {
  test('is what its writer put there', () => {
    expect(readWavLayout(WAV)).toEqual({
      format: PCM_FORMAT,
      channels: 1,
      sampleRateHz: 16_000,
      bitsPerSample: 16,
      soundStart: 44,
      claimedBytes: 6,
    });
  });

  test('has the format that an extensible one extends, where it is told', () => {
    const rest = { channels: 2, sampleRateHz: 48_000, bitsPerSample: 32, claimedBytes: 6 };
    expect(readWavLayout(extensible(40))).toEqual({ ...rest, format: FLOAT_FORMAT, soundStart: 68 });
    expect(readWavLayout(extensible(18))).toEqual({ ...rest, format: EXTENSIBLE_FORMAT, soundStart: 46 });
  });

  test.each([
    ['nothing', new Uint8Array(0), 'there is no RIFF/WAVE header'],
    ['words', Buffer.from('RIFFraff and more'), 'there is no RIFF/WAVE header'],
    ['only a head', WAV.subarray(0, 12), 'there is no format block'],
    ['half a format', WAV.subarray(0, 30), 'the format block is cut off'],
    ['a small format', extensible(14), 'the format block is cut off'],
    ['no sound', WAV.subarray(0, 36), 'there is no sound in it'],
    [
      'sound first',
      Buffer.concat([WAV.subarray(0, 12), WAV.subarray(36)]),
      'the sound comes before its format',
    ],
  ])('is not there in %s', (_, bytes, words) => {
    expect(readWavLayout(bytes)).toBe(words);
    expect(isWav(bytes)).toBe(!words.includes('RIFF'));
  });
});
