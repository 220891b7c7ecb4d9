import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { measureRms, type Pcm, samplesIn } from './pcm.ts';
import { stretched } from './stretch.ts';

const RATE_HZ = 24_000;

const tone = (hz: number, durationMs: number, amplitude = 9_000): Pcm => ({
  sampleRateHz: RATE_HZ,
  samples: Int16Array.from(
    { length: samplesIn(durationMs, RATE_HZ) },
    (_, index) => amplitude * Math.sin((2 * Math.PI * hz * index) / RATE_HZ),
  ),
});

/** Rising zero crossings a second. */
const pitchOf = ({ samples, sampleRateHz }: Pcm): number => {
  let rises = 0;
  for (let index = 1; index < samples.length; index += 1) {
    if ((samples[index - 1] ?? 0) < 0 && (samples[index] ?? 0) >= 0) rises += 1;
  }
  return (rises * sampleRateHz) / samples.length;
};

const SPEEDS = [0.5, 0.7, 0.9, 1.1, 1.3, 1.7, 2];

describe('stretched', () => {
  test.each(SPEEDS)('takes its time at speed %d, and keeps pitch and loudness', (speed) => {
    for (const hz of [90, 180, 331]) {
      const sound = tone(hz, 2_000);
      const result = stretched(sound, speed);
      expect(result.samples.length).toBe(Math.round(sound.samples.length / speed));
      expect(Math.abs(pitchOf(result) / hz - 1)).toBeLessThan(0.03);
      expect(measureRms(result.samples) / measureRms(sound.samples)).toBeGreaterThan(0.9);
      expect(measureRms(result.samples) / measureRms(sound.samples)).toBeLessThan(1.05);
    }
  });

  test.each(SPEEDS)('keeps a word and the pause after it where they belong at speed %d', (speed) => {
    const samples = new Int16Array([
      ...tone(140, 600).samples,
      ...new Int16Array(samplesIn(400, RATE_HZ)),
      ...tone(140, 600).samples,
    ]);
    const result = stretched({ sampleRateHz: RATE_HZ, samples }, speed).samples;
    const at = (fromMs: number, toMs: number): number =>
      measureRms(result.subarray(samplesIn(fromMs / speed, RATE_HZ), samplesIn(toMs / speed, RATE_HZ)));
    expect(at(100, 500)).toBeGreaterThan(5_000);
    expect(at(700, 900)).toBeLessThan(300);
    expect(at(1_100, 1_500)).toBeGreaterThan(5_000);
  });

  test('is the same sound at speed 1', () => {
    const sound = tone(100, 50);
    expect(stretched(sound, 1).samples).toBe(sound.samples);
  });

  test('is never louder than the sound, whatever its length and the rate', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -32_768, max: 32_767 }), { maxLength: 3_000 }),
        fc.double({ min: 0.5, max: 2, noNaN: true }),
        (values, speed) => {
          const { samples } = stretched({ sampleRateHz: 8_000, samples: Int16Array.from(values) }, speed);
          const loudest = Math.max(0, ...values.map(Math.abs));
          expect(samples.length).toBe(Math.round(values.length / speed));
          expect(samples.every((sample) => Math.abs(sample) <= loudest)).toBe(true);
        },
      ),
      { numRuns: 50 },
    );
  });

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses speed %d', (speed) => {
    expect(() => stretched(tone(100, 10), speed)).toThrow(RangeError);
  });
});
