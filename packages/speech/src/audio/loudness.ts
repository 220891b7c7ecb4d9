import { type Pcm, samplesIn } from './pcm.ts';

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

/** A block of the measure and the step between two: they overlap by three quarters. */
const BLOCK_STEPS = 4;
const STEP_MS = 100;
/** Blocks below this are silence, LUFS. */
const ABSOLUTE_GATE = -70;
/** Blocks so much below the mean of the others are pauses, LU. */
const RELATIVE_GATE = -10;
/** Makes a 997 Hz sine at full scale in one channel -3.01 LUFS. */
const OFFSET = -0.691;
const FULL_SCALE = 32_768;

const lufsOf = (meanSquare: number): number => OFFSET + 10 * Math.log10(meanSquare);
const meanSquareOf = (lufs: number): number => 10 ** ((lufs - OFFSET) / 10);

/**
 * Mean square of the K-weighted sound in each whole step of 100 ms. Sound of less than a block is one step, however
 * short, because a word is heard too; BS.1770 would not measure it.
 */
const stepPowers = (samples: Int16Array, stepSamples: number, weighting: KWeighting): number[] => {
  const { shelf: s, highPass: h } = weighting;
  // One loop over plain numbers with the filters' memory in variables: five times as fast as one pass for each filter.
  const { b0: sb0, b1: sb1, b2: sb2, a1: sa1, a2: sa2 } = s;
  const { b0: hb0, b1: hb1, b2: hb2, a1: ha1, a2: ha2 } = h;
  let s1 = 0;
  let s2 = 0;
  let h1 = 0;
  let h2 = 0;
  const powers: number[] = [];
  for (let start = 0; start + stepSamples <= samples.length; start += stepSamples) {
    let sum = 0;
    for (let index = start; index < start + stepSamples; index += 1) {
      const x = (samples[index] ?? 0) / FULL_SCALE;
      const y = sb0 * x + s1;
      s1 = sb1 * x - sa1 * y + s2;
      s2 = sb2 * x - sa2 * y;
      const z = hb0 * y + h1;
      h1 = hb1 * y - ha1 * z + h2;
      h2 = hb2 * y - ha2 * z;
      sum += z * z;
    }
    powers.push(sum / stepSamples);
  }
  return powers;
};

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Mean squares of overlapping blocks of 400 ms; of shorter sound, the whole. */
const blockPowers = (steps: readonly number[]): number[] => {
  if (steps.length <= BLOCK_STEPS) return steps.length === 0 ? [] : [mean(steps)];
  return steps.slice(BLOCK_STEPS - 1).map((_, index) => mean(steps.slice(index, index + BLOCK_STEPS)));
};

/**
 * Integrated loudness of one channel by BS.1770-5, LUFS: K-weighted, in blocks of 400 ms, without silence and pauses.
 * A mono sound that both ears hear is 3 LU louder than this says, as the standard counts channels.
 *
 * @returns undefined for silence, which has no loudness, and for rates below 8 kHz
 * @see https://www.itu.int/rec/R-REC-BS.1770 annex 1
 */
export const measureLoudness = ({ sampleRateHz, samples }: Pcm): number | undefined => {
  if (samples.length === 0 || !(sampleRateHz >= 8000)) return undefined;
  const wholeStep = samplesIn(STEP_MS, sampleRateHz);
  const stepSamples = samples.length < wholeStep * BLOCK_STEPS ? samples.length : wholeStep;
  const blocks = blockPowers(stepPowers(samples, stepSamples, kWeightingAt(sampleRateHz)));
  const audible = blocks.filter((power) => power > meanSquareOf(ABSOLUTE_GATE));
  if (audible.length === 0) return undefined;
  const gate = mean(audible) * 10 ** (RELATIVE_GATE / 10);
  return lufsOf(mean(audible.filter((power) => power > gate)));
};
