import { describe, expect, test } from 'vitest';
import { type Biquad, kWeightingAt } from './k-weighting.ts';

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
