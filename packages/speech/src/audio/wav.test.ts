import { isTalebackError } from '@taleback/core';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  EXTENSIBLE_FORMAT,
  FLOAT_FORMAT,
  formatWav,
  isWav,
  PCM_FORMAT,
  parseWav,
  readWavLayout,
} from './wav.ts';

const PCM = { sampleRateHz: 16_000, samples: Int16Array.of(1, -2, 32_767, -32_768) };

/** `read`, or the code of our error, or whatever else was thrown. */
const endOf = (read: () => unknown): unknown => {
  try {
    read();
    return 'read';
  } catch (error) {
    return isTalebackError(error) ? error.code : error;
  }
};

const withDataSize = (sizeBytes: number): Uint8Array => {
  const wav = formatWav(PCM);
  new DataView(wav.buffer).setUint32(40, sizeBytes, true);
  return wav;
};

test('what is written is read back', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 192_000 }),
      fc.int16Array({ maxLength: 100 }),
      (sampleRateHz, samples) => {
        expect(parseWav(formatWav({ sampleRateHz, samples: Int16Array.from(samples) }))).toEqual({
          sampleRateHz,
          samples,
        });
      },
    ),
  );
});

test('writes the plain header', () => {
  const wav = Buffer.from(formatWav(PCM));
  expect(wav.subarray(0, 44).toString('hex')).toBe(
    '524946462c00000057415645666d74201000000001000100803e0000007d0000020010006461746108000000',
  );
});

describe('parseWav', () => {
  test.each([0, 2_147_479_552, 0xffff_ffff])('believes the bytes rather than a size of %d', (sizeBytes) => {
    expect(parseWav(withDataSize(sizeBytes))).toEqual(PCM);
  });

  test('leaves out what follows the data, and half a sample', () => {
    expect(parseWav(Buffer.concat([formatWav(PCM), Buffer.from('LIST')]))).toEqual(PCM);
    expect(parseWav(withDataSize(5)).samples).toEqual(Int16Array.of(1, -2));
  });

  test('skips blocks it does not know, of odd size too', () => {
    const wav = Buffer.from(formatWav(PCM));
    const note = Buffer.concat([Buffer.from('note'), Buffer.from([3, 0, 0, 0]), Buffer.from('abc\0')]);
    expect(parseWav(Buffer.concat([wav.subarray(0, 12), note, wav.subarray(12)]))).toEqual(PCM);
  });

  test('reads a view into a larger buffer', () => {
    const padded = Buffer.concat([Buffer.from('x'), formatWav(PCM)]);
    expect(parseWav(padded.subarray(1))).toEqual(PCM);
  });

  const patched = (offset: number, value: number): Uint8Array => {
    const wav = formatWav(PCM);
    wav[offset] = value;
    return wav;
  };

  test.each([
    ['nothing', new Uint8Array(0)],
    ['no RIFF', patched(0, 0)],
    ['stereo', patched(22, 2)],
    ['8 bits', patched(34, 8)],
    ['float', patched(20, 3)],
    ['no data', formatWav(PCM).subarray(0, 36)],
    ['a cut format', formatWav(PCM).subarray(0, 30)],
    ['data without a format', patched(12, 0)],
  ])('refuses %s', (_name, bytes) => {
    expect(() => parseWav(bytes)).toThrow(expect.objectContaining({ code: 'model_failed' }));
  });

  test('never fails in another way', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60, size: 'max' }), fc.nat(50), (noise, at) => {
        const wav = Buffer.from(formatWav(PCM));
        wav.set(noise.subarray(0, wav.length - at), at);
        expect(['read', 'model_failed']).toContain(endOf(() => parseWav(wav)));
      }),
    );
  });
});

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

  test('has the format that an extensible one extends, where it says so', () => {
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
