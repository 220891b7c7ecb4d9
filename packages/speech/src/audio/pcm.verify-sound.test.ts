import { describe, expect, test } from 'vitest';
import { verifySound } from './pcm.ts';

const RATE = 8000;
const TEXT = 'Once upon a time there was a girl who lived by the sea and listened to it.';

const verify = (durationMs: number, text = TEXT, speed = 1, amplitude = 3000): void =>
  verifySound(
    { sampleRateHz: RATE, samples: new Int16Array((durationMs * RATE) / 1000).fill(amplitude) },
    { text, speed },
  );

describe('verifySound', () => {
  test.each([
    [4200, TEXT, 1],
    [2100, TEXT, 2],
    [8400, TEXT, 0.5],
    [540, 'Hi.', 1],
    [82_140, 'w'.repeat(239), 1],
    [10_860, '1'.repeat(39), 1],
  ])('%d ms are plausible for %j at speed %d', (durationMs, text, speed) => {
    expect(() => verify(durationMs, text, speed)).not.toThrow();
  });

  test.each([
    [300, TEXT, 1],
    [60_000, TEXT, 1],
    [30_000, TEXT, 2],
    [10_000, 'Hi.', 1],
  ])('%d ms are not plausible for %j at speed %d', (durationMs, text, speed) => {
    expect(() => verify(durationMs, text, speed)).toThrow(
      expect.objectContaining({ code: 'audio_implausible' }),
    );
  });

  test('no sound and silence have names of their own', () => {
    expect(() => verify(0)).toThrow(expect.objectContaining({ code: 'audio_missing' }));
    expect(() => verify(4200, TEXT, 1, 20)).toThrow(expect.objectContaining({ code: 'audio_silent' }));
  });
});
