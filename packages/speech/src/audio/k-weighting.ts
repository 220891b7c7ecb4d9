/** One second-order filter, its `a0` taken as 1. */
export interface Biquad {
  readonly b0: number;
  readonly b1: number;
  readonly b2: number;
  readonly a1: number;
  readonly a2: number;
}

/** The two filters of K-weighting, in their order. */
export interface KWeighting {
  /** What a head does to sound: about 4 dB more above 1.7 kHz. */
  readonly shelf: Biquad;
  /** What the ear leaves out: below about 40 Hz. */
  readonly highPass: Biquad;
}

/** BS.1770 prints its coefficients for this rate only. */
const PRINTED_RATE_HZ = 48_000;

/**
 * The analogue filters whose bilinear transform at 48 kHz gives the printed coefficients, to twelve digits.
 * @see De Man, "Evaluation of Implementations of the EBU R128 Loudness Measurement", AES 145 (2018); libebur128 uses the same
 */
const SHELF = {
  hz: 1681.974450955533,
  q: 0.7071752369554196,
  gainDb: 3.999843853973347,
  slope: 0.4996667741545416,
};
const HIGH_PASS = { hz: 38.13547087602444, q: 0.5003270373238773 };

const warped = (hz: number, sampleRateHz: number): number => Math.tan((Math.PI * hz) / sampleRateHz);

const shelfAt = (sampleRateHz: number): Biquad => {
  const k = warped(SHELF.hz, sampleRateHz);
  const high = 10 ** (SHELF.gainDb / 20);
  const band = high ** SHELF.slope;
  const a0 = 1 + k / SHELF.q + k * k;
  return {
    b0: (high + (band * k) / SHELF.q + k * k) / a0,
    b1: (2 * (k * k - high)) / a0,
    b2: (high - (band * k) / SHELF.q + k * k) / a0,
    a1: (2 * (k * k - 1)) / a0,
    a2: (1 - k / SHELF.q + k * k) / a0,
  };
};

const highPassAt = (sampleRateHz: number): Biquad => {
  const normOf = (k: number): number => 1 + k / HIGH_PASS.q + k * k;
  const k = warped(HIGH_PASS.hz, sampleRateHz);
  const a0 = normOf(k);
  // The printed numerator is 1, -2, 1, which is 0.04 dB too much at 48 kHz; the same 0.04 dB are kept at every rate.
  const b0 = normOf(warped(HIGH_PASS.hz, PRINTED_RATE_HZ)) / a0;
  return { b0, b1: -2 * b0, b2: b0, a1: (2 * (k * k - 1)) / a0, a2: (1 - k / HIGH_PASS.q + k * k) / a0 };
};

/**
 * K-weighting for a sample rate.
 * @throws RangeError below 8 kHz, where the shelf would lie next to the end of the band
 * @see https://www.itu.int/rec/R-REC-BS.1770 annex 1, tables 1 and 2
 */
export const kWeightingAt = (sampleRateHz: number): KWeighting => {
  if (!(sampleRateHz >= 8000)) throw new RangeError(`no K-weighting at ${sampleRateHz} Hz`);
  return { shelf: shelfAt(sampleRateHz), highPass: highPassAt(sampleRateHz) };
};
