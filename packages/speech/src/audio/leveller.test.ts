import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createLeveller, findTruePeak, levelChunk, NOTHING_LEVELLED } from './leveller.ts';
import { measureLoudness } from './loudness.ts';
import type { Pcm } from './pcm.ts';

const RUNS = process.env['TEST_SIZE'] === 'all' ? 50 : 12;
const RATE_HZ = 16_000;
const CEILING = 10 ** (-1 / 20) * 32_768;

/** Something with the syllables, harmonics and hiss of speech, the same for the same seed. */
const speechLike = (seconds: number, peak: number, seed = 1): Pcm => {
  let state = seed;
  const noise = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  const raw = Float64Array.from({ length: Math.round(seconds * RATE_HZ) }, (_, index) => {
    const time = index / RATE_HZ;
    const syllable = Math.max(0, Math.sin(2 * Math.PI * 3.3 * time)) ** 0.7;
    const voice = [1, 2, 3, 5].reduce(
      (sum, part) => sum + Math.sin(2 * Math.PI * 140 * part * time) / part,
      0,
    );
    return syllable * (voice + noise() * 0.3);
  });
  const most = raw.reduce((best, value) => Math.max(best, Math.abs(value)), 0);
  return { sampleRateHz: RATE_HZ, samples: Int16Array.from(raw, (value) => (value / most) * peak) };
};

const louder = ({ sampleRateHz, samples }: Pcm, db: number): Pcm => ({
  sampleRateHz,
  samples: samples.map((sample) => Math.round(sample * 10 ** (db / 20))),
});
const lufsOf = (pcm: Pcm): number => measureLoudness(pcm) ?? Number.NaN;
const levelAll = (chunks: readonly Pcm[]): Pcm[] => {
  const leveller = createLeveller();
  return chunks.map(leveller.level);
};
const biggestJump = (samples: Int16Array): number =>
  samples.reduce((most, sample, index) => {
    return index === 0 ? 0 : Math.max(most, Math.abs(sample - (samples[index - 1] ?? 0)));
  }, 0);

describe('levelChunk', () => {
  const quiet = speechLike(3, 3000);

  test.each([1500, 3000, 10_000, 32_767])(
    'raises or lowers a first chunk with peaks of %d to -19 LUFS',
    (peak) => {
      const [made] = levelAll([speechLike(3, peak)]);
      expect(Math.abs(lufsOf(made as Pcm) + 19)).toBeLessThan(0.3);
    },
  );

  test('makes nothing louder by more than 20 dB', () => {
    const [made] = levelAll([speechLike(3, 300)]);
    expect(Math.abs(lufsOf(made as Pcm) - lufsOf(speechLike(3, 300)) - 20)).toBeLessThan(0.2);
  });

  test('keeps a whisper a whisper and a cry a cry', () => {
    const [first, whisper, cry] = levelAll([quiet, louder(quiet, -14), louder(quiet, 12)]).map(lufsOf);
    expect(Math.abs((whisper ?? 0) - ((first ?? 0) - 8))).toBeLessThan(0.3);
    expect((cry ?? 0) - (first ?? 0)).toBeGreaterThan(3);
  });

  test('is not held down by a whispered opening', () => {
    const voice = speechLike(3, 10_000);
    const told = levelAll([louder(voice, -14), voice, voice, voice, voice, voice, voice]).map(lufsOf);
    expect(told[1]).toBeGreaterThan(-19 + 3);
    expect(Math.abs((told.at(-1) ?? 0) + 19)).toBeLessThan(2);
  });

  test('corrects a word by less than a sentence', () => {
    const [first, word, sentence] = levelAll([
      quiet,
      louder(speechLike(0.3, 3000), -6),
      louder(quiet, -6),
    ]).map(lufsOf);
    expect(Math.abs((sentence ?? 0) - (first ?? 0))).toBeLessThan(0.5);
    expect((word ?? 0) - (first ?? 0)).toBeLessThan(-2.5);
  });

  test('takes its story from the first chunk that lasts a second', () => {
    const afterTitle = levelChunk(speechLike(0.4, 20_000), NOTHING_LEVELLED).state;
    expect(afterTitle.storyGainDb).toBeUndefined();
    expect(levelChunk(quiet, afterTitle).state.storyGainDb).toBeCloseTo(-19 - lufsOf(quiet), 5);
  });

  test.each([
    ['zeros', new Int16Array(8000)],
    ['nothing', new Int16Array(0)],
    ['the last bit', new Int16Array(8000).map((_, index) => index % 2)],
  ])('leaves silence alone: %s', (_, samples) => {
    const state = { storyGainDb: 10, lastFactor: 3 };
    const pcm = { sampleRateHz: RATE_HZ, samples };
    expect(levelChunk(pcm, state)).toEqual({ pcm, state });
  });

  test('does not touch what it was given', () => {
    const before = quiet.samples.slice();
    levelAll([quiet, quiet]);
    expect(quiet.samples).toEqual(before);
  });

  test('obeys its options', () => {
    const [made] = [quiet].map(createLeveller({ targetLufs: -30, ceilingDbfs: -20 }).level);
    expect(lufsOf(made as Pcm)).toBeLessThan(-29.7);
    expect(Math.max(...(made as Pcm).samples)).toBeLessThanOrEqual(3276);
    const [limited] = [speechLike(2, 100)].map(createLeveller({ maxGainDb: 6 }).level);
    expect(lufsOf(limited as Pcm) - lufsOf(speechLike(2, 100))).toBeCloseTo(6, 0);
  });
});

const made = ({ seconds, peak, seed }: { seconds: number; peak: number; seed: number }): Pcm =>
  speechLike(seconds, peak, seed);

describe('the laws of levelling', () => {
  // From peaks that 20 dB lift to the target, and described by figures, so that a counterexample can be read.
  const chunk = fc.record({
    seconds: fc.double({ min: 1, max: 2, noNaN: true }),
    peak: fc.integer({ min: 5000, max: 32_767 }),
    seed: fc.nat(),
  });

  test('no sample and no point between samples goes above the ceiling', () => {
    const anySound = fc
      .array(fc.integer({ min: -32_768, max: 32_767 }), { minLength: 1, maxLength: 3000 })
      .map((values) => ({ sampleRateHz: RATE_HZ, samples: Int16Array.from(values) }));
    fc.assert(
      fc.property(
        fc.array(chunk, { maxLength: 3 }),
        fc.array(anySound, { maxLength: 3 }),
        (chunks, noises) => {
          for (const { samples } of levelAll([...noises, ...chunks.map(made), ...noises])) {
            expect(samples.every((sample) => Math.abs(sample) <= CEILING)).toBe(true);
          }
          for (const { samples } of levelAll(chunks.map(made)))
            expect(findTruePeak(samples, CEILING * 0.5)).toBeLessThanOrEqual(CEILING + 2);
        },
      ),
      { numRuns: RUNS },
    );
  });

  test('levelled twice is levelled once, within 0.5 LU', () => {
    fc.assert(
      fc.property(
        chunk,
        // The story's gain lies among theirs, so that none is more than 6 dB from it. Beyond, the first levelling stops.
        fc.array(fc.integer({ min: -29, max: 29 }), { maxLength: 3 }),
        (first, gains) => {
          const quiet = louder(made(first), -6);
          const chunks = [quiet, ...gains.map((tenths) => louder(quiet, tenths / 10))];
          // Softer than that, the first levelling stops at its limit of 20 dB, and only the second one reaches -19 LUFS.
          fc.pre(chunks.every((one) => lufsOf(one) >= -39));
          const once = levelAll(chunks);
          for (const [index, twice] of levelAll(once).entries())
            expect(Math.abs(lufsOf(twice) - lufsOf(once[index] as Pcm))).toBeLessThan(0.5);
        },
      ),
      { numRuns: RUNS },
    );
  });

  test('chunks of the same material end within 1 LU, whatever their gain was', () => {
    fc.assert(
      fc.property(chunk, fc.double({ min: -5.5, max: 5.5, noNaN: true }), (first, db) => {
        const quiet = louder(made(first), -6);
        const [one, other] = levelAll([quiet, louder(quiet, db)]).map(lufsOf);
        expect(Math.abs((one ?? 0) - (other ?? 9))).toBeLessThan(1);
      }),
      { numRuns: RUNS },
    );
  });

  test('a joint clicks no louder than the material', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -6, max: 6, noNaN: true }), { minLength: 2, maxLength: 5 }),
        (gains) => {
          // One sine that goes on through all chunks, each made softer or louder by its engine only behind its onset.
          const whole = Int16Array.from({ length: gains.length * RATE_HZ }, (_, index) =>
            Math.round(4000 * Math.sin((2 * Math.PI * 220.5 * index) / RATE_HZ)),
          );
          const chunks = gains.map((db, index) => {
            const samples = whole.slice(index * RATE_HZ, (index + 1) * RATE_HZ);
            const level = (at: number): number =>
              10 ** ((db * Math.min(1, at / 800, (RATE_HZ - at) / 800)) / 20);
            return { sampleRateHz: RATE_HZ, samples: samples.map((sample, at) => sample * level(at)) };
          });
          const levelled = levelAll(chunks);
          const allowed = Math.max(...levelled.map(({ samples }) => biggestJump(samples)));
          for (const [index, { samples }] of levelled.entries()) {
            const before = levelled[index - 1]?.samples.at(-1);
            if (before === undefined) continue;
            expect(Math.abs((samples[0] ?? 0) - before)).toBeLessThanOrEqual(allowed * 1.05 + 1);
          }
        },
      ),
      { numRuns: RUNS },
    );
  });

  test('the same chunks give the same sound', () => {
    const chunks = [speechLike(1.2, 9000), speechLike(0.5, 30_000, 7), speechLike(2, 900, 3)];
    expect(levelAll(chunks)).toEqual(levelAll(chunks));
  });
});

/** EBU Tech 3341 cases 15 to 17 and 19: sines whose crests lie between the samples. */
test.each([
  ['a quarter of the rate, on the crest', 0.25, 0, 0.5],
  ['a quarter of the rate, at 45 degrees', 0.25, 45, 0.5],
  ['a sixth of the rate, at 60 degrees', 1 / 6, 60, 0.5],
  ['an eighth of the rate, at 67.5 degrees', 0.125, 67.5, 0.5],
  ['a quarter of the rate, at 45 degrees, louder than full scale', 0.25, 45, 1.41],
])('finds the crest of %s', (_, ofRate, degrees, peak) => {
  const sine = Int16Array.from({ length: 2000 }, (_value, index) => {
    const fade = Math.min(1, index / 400, (1999 - index) / 400);
    return Math.round(
      32_767 * peak * fade * Math.sin(2 * Math.PI * ofRate * index + (degrees * Math.PI) / 180),
    );
  });
  const overDb = 20 * Math.log10(findTruePeak(sine, 5000) / (peak * 32_768));
  // The tolerance of the EBU for a meter: 0.2 above, 0.4 below.
  expect(overDb).toBeLessThan(0.2);
  expect(overDb).toBeGreaterThan(-0.4);
});

test.each([
  [[], 0],
  [[5, -6], 0],
])('finds nothing in %j', (samples, expected) => {
  expect(findTruePeak(Int16Array.from(samples), 100)).toBe(expected);
});
