import { isTalebackError } from '@taleback/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatWav } from '../audio/wav.ts';
import { readBase64, readSound } from './messages.ts';

const PCM = { encoding: 'pcm_s16le', sampleRateHz: 16_000 } as const;
const WAV = { encoding: 'wav', sampleRateHz: undefined } as const;
const bytesOf = (samples: Int16Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => new Uint8Array(samples.buffer);
const refused = expect.objectContaining({ code: 'model_failed' });

/** `read`, or the code of its refusal. */
const outcomeOf = (bytes: Uint8Array<ArrayBuffer>): string => {
  try {
    readSound(WAV, bytes);
    return 'read';
  } catch (error) {
    return isTalebackError(error) ? error.code : String(error);
  }
};

describe('readSound', () => {
  it('gives the samples that were sent, raw and as a file', () => {
    const rate = fc.integer({ min: 8_000, max: 192_000 });
    fc.assert(
      fc.property(fc.int16Array({ maxLength: 100 }), rate, (given, sampleRateHz) => {
        const samples = Int16Array.from(given);
        expect(readSound({ ...PCM, sampleRateHz }, bytesOf(samples))).toEqual({ sampleRateHz, samples });
        expect(readSound(WAV, formatWav({ sampleRateHz, samples }))).toEqual({ sampleRateHz, samples });
      }),
    );
  });

  it('believes the file about its rate', () => {
    const file = formatWav({ sampleRateHz: 22_050, samples: new Int16Array(4) });
    expect(readSound({ encoding: 'wav', sampleRateHz: 16_000 }, file).sampleRateHz).toBe(22_050);
  });

  it('does not copy what was sent raw', () => {
    const bytes = new Uint8Array(8);
    expect(readSound(PCM, bytes).samples.buffer).toBe(bytes.buffer);
  });

  it.each([undefined, 0, 7_999, 192_001, 16_000.5, Number.NaN])('refuses a rate of %s', (sampleRateHz) => {
    expect(() => readSound({ ...PCM, sampleRateHz }, new Uint8Array(2))).toThrow(refused);
  });

  it.each([0, 1, 2 ** 32 - 1])('refuses a file with a rate of %s', (sampleRateHz) => {
    const file = formatWav({ sampleRateHz, samples: new Int16Array(4) });
    expect(() => readSound(WAV, file)).toThrow(refused);
  });

  it('refuses half a sample', () => {
    expect(() => readSound(PCM, new Uint8Array(3))).toThrow(refused);
  });

  it('either reads or refuses any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.boolean(), (given, hasHeader) => {
        const header = formatWav({ sampleRateHz: 16_000, samples: new Int16Array(0) });
        const bytes = Uint8Array.from(hasHeader ? [...header.subarray(0, 36), ...given] : given);
        expect(outcomeOf(bytes)).toMatch(/^(read|model_failed)$/);
      }),
      { numRuns: 500 },
    );
  });
});

describe('readBase64', () => {
  it('reads what was written', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect([...readBase64(Buffer.from(bytes).toString('base64'))]).toEqual([...bytes]);
      }),
    );
  });

  it.each(['A', 'AAA', 'AA=A', 'AAA\n', 'AA A', 'AA-_', '====', 'ä==='])('refuses %j', (text) => {
    expect(() => readBase64(text)).toThrow(refused);
  });
});
