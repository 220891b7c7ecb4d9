import { expect, test } from 'vitest';
import { appendPause } from './pauses.ts';
import { durationMsOf } from './pcm.ts';

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
