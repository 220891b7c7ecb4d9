import { describe, expect, test } from 'vitest';
import { type Biquad, kWeightingAt, measureLoudness } from './loudness.ts';
import type { Pcm } from './pcm.ts';

/** Gain of a filter at a frequency, dB. */
const gainDb = ({ b0, b1, b2, a1, a2 }: Biquad, hz: number, rateHz: number): number => {
  const w = (2 * Math.PI * hz) / rateHz;
  const power = (c0: number, c1: number, c2: number): number =>
    (c0 + c1 * Math.cos(w) + c2 * Math.cos(2 * w)) ** 2 + (c1 * Math.sin(w) + c2 * Math.sin(2 * w)) ** 2;
  return 10 * Math.log10(power(b0, b1, b2) / power(1, a1, a2));
};

const totalDb = (hz: number, rateHz: number): number => {
  const { shelf, highPass } = kWeightingAt(rateHz);
  return gainDb(shelf, hz, rateHz) + gainDb(highPass, hz, rateHz);
};

describe('kWeightingAt', () => {
  test('gives the coefficients that BS.1770 prints for 48 kHz', () => {
    const { shelf, highPass } = kWeightingAt(48_000);
    expect(shelf.b0).toBeCloseTo(1.53512485958697, 10);
    expect(shelf.b1).toBeCloseTo(-2.69169618940638, 10);
    expect(shelf.b2).toBeCloseTo(1.19839281085285, 10);
    expect(shelf.a1).toBeCloseTo(-1.69065929318241, 10);
    expect(shelf.a2).toBeCloseTo(0.73248077421585, 10);
    expect(highPass).toMatchObject({ b0: 1, b1: -2, b2: 1 });
    expect(highPass.a1).toBeCloseTo(-1.99004745483398, 10);
    expect(highPass.a2).toBeCloseTo(0.99007225036621, 10);
  });

  test.each([8000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 96_000])(
    'weighs voices at %d Hz as at 48 kHz',
    (rateHz) => {
      for (const hz of [30, 60, 100, 250, 500, 1000])
        expect(Math.abs(totalDb(hz, rateHz) - totalDb(hz, 48_000))).toBeLessThan(0.25);
      expect(Math.abs(totalDb(997, rateHz) - 0.691)).toBeLessThan(rateHz < 16_000 ? 0.25 : 0.06);
    },
  );

  test.each([0, -1, 4000, Number.NaN])('has none for %d Hz', (rateHz) => {
    expect(() => kWeightingAt(rateHz)).toThrow(RangeError);
  });
});

interface Tone {
  readonly dbfs: number;
  readonly seconds: number;
}

/** Sines one after the other, their peak at so many dBFS. */
const tones = (sampleRateHz: number, parts: readonly Tone[], hz = 1000): Pcm => {
  const lengths = parts.map(({ seconds }) => Math.round(seconds * sampleRateHz));
  const samples = new Int16Array(lengths.reduce((sum, length) => sum + length, 0));
  let offset = 0;
  for (const [part, length] of lengths.entries()) {
    const peak = 32_767 * 10 ** ((parts[part]?.dbfs ?? 0) / 20);
    for (let index = 0; index < length; index += 1)
      samples[offset + index] = Math.round(
        peak * Math.sin((2 * Math.PI * hz * (offset + index)) / sampleRateHz),
      );
    offset += length;
  }
  return { sampleRateHz, samples };
};

/** EBU Tech 3341 gives its signals in stereo; one of the two channels alone is 3.01 LU less. */
const ONE_OF_TWO = 10 * Math.log10(2);

describe('measureLoudness', () => {
  test.each([
    ['1', [{ dbfs: -23, seconds: 20 }], -23],
    ['2', [{ dbfs: -33, seconds: 20 }], -33],
    [
      '3',
      [
        { dbfs: -36, seconds: 10 },
        { dbfs: -23, seconds: 60 },
        { dbfs: -36, seconds: 10 },
      ],
      -23,
    ],
    [
      '4',
      [
        { dbfs: -72, seconds: 10 },
        { dbfs: -36, seconds: 10 },
        { dbfs: -23, seconds: 60 },
        { dbfs: -36, seconds: 10 },
        { dbfs: -72, seconds: 10 },
      ],
      -23,
    ],
    [
      '5',
      [
        { dbfs: -26, seconds: 20 },
        { dbfs: -20, seconds: 20.1 },
        { dbfs: -26, seconds: 20 },
      ],
      -23,
    ],
  ])('EBU Tech 3341 case %s', (_, parts, stereoLufs) => {
    const lufs = measureLoudness(tones(48_000, parts)) ?? Number.NaN;
    expect(Math.abs(lufs - (stereoLufs - ONE_OF_TWO))).toBeLessThan(0.1);
  });

  test('a sine of 997 Hz at full scale in one channel is -3.01 LUFS', () => {
    const lufs = measureLoudness(tones(48_000, [{ dbfs: 0, seconds: 5 }], 997));
    expect(lufs).toBeCloseTo(-3.01, 2);
  });

  test.each([8000, 16_000, 22_050, 24_000, 44_100, 48_000, 96_000])('is the same at %d Hz', (rateHz) => {
    const lufs = measureLoudness(tones(rateHz, [{ dbfs: -20, seconds: 3 }])) ?? Number.NaN;
    expect(Math.abs(lufs - (-20 - ONE_OF_TWO))).toBeLessThan(rateHz < 16_000 ? 0.3 : 0.1);
  });

  test.each([0.05, 0.2, 0.399, 0.4, 0.5, 1, 15])('measures %d s', (seconds) => {
    const lufs = measureLoudness(tones(24_000, [{ dbfs: -20, seconds }])) ?? Number.NaN;
    expect(Math.abs(lufs - (-20 - ONE_OF_TWO))).toBeLessThan(0.4);
  });

  test('leaves pauses out', () => {
    const spoken = [{ dbfs: -20, seconds: 2 }];
    const withPause = [...spoken, { dbfs: -200, seconds: 4 }, ...spoken];
    const difference =
      (measureLoudness(tones(24_000, withPause)) ?? 0) - (measureLoudness(tones(24_000, spoken)) ?? 0);
    expect(Math.abs(difference)).toBeLessThan(0.4);
  });

  test.each([
    ['nothing', new Int16Array(0), 24_000],
    ['zeros', new Int16Array(24_000), 24_000],
    ['the last bit', new Int16Array(24_000).map((_, index) => index % 2), 24_000],
    ['a rate that no speech has', new Int16Array(4000).fill(9999), 4000],
  ])('has no loudness for %s', (_, samples, sampleRateHz) => {
    expect(measureLoudness({ sampleRateHz, samples })).toBeUndefined();
  });
});
