import { describe, expect, test } from 'vitest';
import { appendPause, durationMsOf, isSilent, measureRms, trimSilence } from './pcm.ts';

const RATE = 1000;
const MARGIN = 25;

const soundWithin = (before: number, after: number): Int16Array<ArrayBuffer> => {
  const samples = new Int16Array(before + 100 + after).fill(50);
  samples.fill(-3000, before, before + 100);
  return samples;
};

describe('loudness', () => {
  test('measures the root mean square', () => {
    expect(measureRms(Int16Array.of())).toBe(0);
    expect(measureRms(Int16Array.of(-7, 7, 7))).toBe(7);
    expect(measureRms(Int16Array.of(3, 4))).toBeCloseTo(Math.sqrt(12.5));
    expect(measureRms(new Int16Array(1000).fill(-32_768))).toBe(32_768);
  });

  test('a hiss is silence, a quiet voice is not', () => {
    expect(isSilent(new Int16Array(100).fill(25))).toBe(true);
    expect(isSilent(new Int16Array(100).fill(1200))).toBe(false);
  });
});

describe('trimSilence', () => {
  test('cuts both ends down to a margin', () => {
    const { samples } = trimSilence({ sampleRateHz: RATE, samples: soundWithin(400, 300) });
    expect(samples).toHaveLength(MARGIN + 100 + MARGIN);
    expect(samples[MARGIN]).toBe(-3000);
    expect(samples[MARGIN - 1]).toBe(50);
  });

  test('adds nothing where there is less than the margin', () => {
    expect(trimSilence({ sampleRateHz: RATE, samples: soundWithin(3, 0) }).samples).toHaveLength(103);
  });

  test('leaves silence inside the sound', () => {
    const samples = Int16Array.from([...soundWithin(0, 500), ...soundWithin(0, 0)]);
    expect(trimSilence({ sampleRateHz: RATE, samples }).samples).toHaveLength(samples.length);
  });

  test('leaves what is quiet throughout', () => {
    const samples = new Int16Array(500).fill(10);
    expect(trimSilence({ sampleRateHz: RATE, samples }).samples).toHaveLength(500);
  });
});

describe('appendPause', () => {
  const PCM = { sampleRateHz: 16_000, samples: new Int16Array(160).fill(9) };

  test.each([
    ['paragraph', 1, 600],
    ['sentence', 1, 280],
    ['clause', 1, 120],
    ['sentence', 0.5, 140],
    ['paragraph', 0, 0],
  ] as const)('after a %s, scaled by %d, come %d ms', (ending, scale, pauseMs) => {
    const { samples, sampleRateHz } = appendPause(PCM, ending, scale);
    expect(durationMsOf(samples.length, sampleRateHz)).toBe(10 + pauseMs);
    expect(samples.subarray(0, 160).every((sample) => sample === 9)).toBe(true);
    expect(samples.subarray(160).every((sample) => sample === 0)).toBe(true);
  });

  test('copies, so that the original stays', () => {
    appendPause(PCM, 'word', 1).samples.fill(0);
    expect(PCM.samples[0]).toBe(9);
  });
});
