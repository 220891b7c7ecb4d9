import { expect, test } from 'vitest';
import { trimSilence } from './trim-silence.ts';

const RATE = 1000;
const MARGIN = 25;

const soundWithin = (before: number, after: number): Int16Array<ArrayBuffer> => {
  const samples = new Int16Array(before + 100 + after).fill(50);
  samples.fill(-3000, before, before + 100);
  return samples;
};

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
