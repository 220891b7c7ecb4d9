import { isTalebackError } from '@taleback/core';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatWav } from '../../audio/wav.ts';
import { readWav } from './read-speech.ts';

interface Shape {
  readonly tag?: number;
  readonly channels?: number;
  readonly bits?: number;
  readonly rateHz?: number;
  readonly subFormat?: number;
  readonly claimedBytes?: number;
}

const wav = (data: Uint8Array, shape: Shape = {}): Uint8Array => {
  const { tag = 1, channels = 1, bits = 16, rateHz = 8_000, subFormat, claimedBytes = data.length } = shape;
  const formatBytes = subFormat === undefined ? 16 : 40;
  const bytes = Buffer.alloc(12 + 8 + formatBytes + 8);
  bytes.write('RIFF', 0, 'latin1');
  bytes.write('WAVEfmt ', 8, 'latin1');
  bytes.writeUInt32LE(formatBytes, 16);
  bytes.writeUInt16LE(tag, 20);
  bytes.writeUInt16LE(channels, 22);
  bytes.writeUInt32LE(rateHz, 24);
  bytes.writeUInt16LE(bits, 34);
  if (subFormat !== undefined) bytes.writeUInt16LE(subFormat, 44);
  bytes.write('data', 20 + formatBytes, 'latin1');
  bytes.writeUInt32LE(claimedBytes, 24 + formatBytes);
  return Buffer.concat([bytes, data]);
};
const bytesOf = (view: ArrayBufferView): Uint8Array =>
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
const SAMPLES = Int16Array.of(0, 1_000, -1_000, 32_767, -32_768);
const PLAIN = bytesOf(SAMPLES);

const outcome = (bytes: Uint8Array): unknown => {
  try {
    return readWav(bytes);
  } catch (error) {
    return error;
  }
};

describe('readWav', () => {
  test('reads what we write', () => {
    fc.assert(
      fc.property(fc.int16Array({ maxLength: 50 }), (samples) => {
        const copy = Int16Array.from(samples);
        expect(readWav(formatWav({ sampleRateHz: 16_000, samples: copy }))).toEqual({
          sampleRateHz: 16_000,
          samples: copy,
        });
      }),
    );
  });

  test.each<[string, Uint8Array, Shape, number[]]>([
    ['8 bits', Uint8Array.of(128, 255, 0), { bits: 8 }, [0, 32_512, -32_768]],
    ['24 bits', Uint8Array.of(9, 0xe8, 3, 9, 0x18, 0xfc), { bits: 24 }, [1_000, -1_000]],
    ['32 bits', bytesOf(Int32Array.of(65_536_000, -65_536_000)), { bits: 32 }, [1_000, -1_000]],
    ['floats', bytesOf(Float32Array.of(0, 0.5, -1, 1.5)), { tag: 3, bits: 32 }, [0, 16_384, -32_767, 32_767]],
    ['doubles', bytesOf(Float64Array.of(0.25)), { tag: 3, bits: 64 }, [8_192]],
    ['extensible floats', bytesOf(Float32Array.of(1)), { tag: 0xfffe, bits: 32, subFormat: 3 }, [32_767]],
    ['two channels', bytesOf(Int16Array.of(100, 300, -100, -300)), { channels: 2 }, [200, -200]],
    ['size 0', PLAIN, { claimedBytes: 0 }, [...SAMPLES]],
    ['an endless size', PLAIN, { claimedBytes: 0xffff_ffff }, [...SAMPLES]],
    ['the size of espeak-ng', PLAIN, { claimedBytes: 2_147_479_552 }, [...SAMPLES]],
    ['half a sample at the end', PLAIN.subarray(0, 5), { claimedBytes: 0 }, [0, 1_000]],
    ['bytes behind the sound', PLAIN, { claimedBytes: 4 }, [0, 1_000]],
  ])('understands %s', (_name, data, shape, expected) => {
    expect([...readWav(wav(data, shape)).samples]).toEqual(expected);
  });

  test('notices a file that was cut', () => {
    expect(() => readWav(wav(PLAIN, { claimedBytes: 400 }))).toThrow(
      expect.objectContaining({ code: 'audio_missing', details: '10 of 400 bytes of sound' }),
    );
  });

  test.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array(0)],
    ['words', Buffer.from('<html>no sound here</html>')],
    ['no blocks', wav(PLAIN).subarray(0, 12)],
    ['a cut format', wav(PLAIN).subarray(0, 30)],
    ['no data', wav(PLAIN).subarray(0, 40)],
    ['a compressed format', wav(PLAIN, { tag: 85 })],
    ['12 bits', wav(PLAIN, { bits: 12 })],
    ['no channel', wav(PLAIN, { channels: 0 })],
    ['no rate', wav(PLAIN, { rateHz: 0 })],
  ])('refuses %s', (_name, bytes) => {
    expect(() => readWav(bytes)).toThrow(expect.objectContaining({ code: 'model_failed' }));
  });

  test('never fails with anything but our own errors', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(59), fc.nat(255), (noise, place, value) => {
        const broken = Uint8Array.from(wav(noise));
        broken[place] = value;
        const found = outcome(broken);
        expect(isTalebackError(found) || 'samples' in (found as object)).toBe(true);
      }),
    );
  });
});
