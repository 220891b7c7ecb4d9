import { describe, expect, test } from 'vitest';
import { createMp3Encoder } from 'wasm-media-encoders';
import { decodeMp3 } from './mp3-decoder.ts';
import { measureRms } from './pcm.ts';

const RATE_HZ = 24_000;
/** An MP3 holds whole frames of 576 samples, and the delay of its encoder. */
const MOST_ADDED = 4 * 576;

const tone = (seconds: number, amplitude: number, hz = 440): Float32Array =>
  Float32Array.from(
    { length: seconds * RATE_HZ },
    (_, index) => amplitude * Math.sin((2 * Math.PI * hz * index) / RATE_HZ),
  );

const encode = async (...channels: readonly Float32Array[]): Promise<Uint8Array<ArrayBuffer>> => {
  const encoder = await createMp3Encoder();
  encoder.configure({ sampleRate: RATE_HZ, channels: channels.length as 1 | 2, bitrate: 48 });
  const start = encoder.encode([...channels]).slice();
  return new Uint8Array(Buffer.concat([start, encoder.finalize().slice()]));
};

describe('decodeMp3', () => {
  test('gives back the sound, as loud and about as long as it was', async () => {
    const { sampleRateHz, samples } = await decodeMp3(await encode(tone(2, 0.5)));
    expect(sampleRateHz).toBe(RATE_HZ);
    expect(samples.length - 2 * RATE_HZ).toBeGreaterThanOrEqual(0);
    expect(samples.length - 2 * RATE_HZ).toBeLessThan(MOST_ADDED);
    expect(measureRms(samples.subarray(RATE_HZ / 2, RATE_HZ)) / ((0.5 * 32_768) / Math.SQRT2)).toBeCloseTo(
      1,
      1,
    );
  });

  test('mixes two channels to one', async () => {
    const both = await decodeMp3(await encode(tone(1, 0.4), tone(1, 0.4)));
    const opposed = await decodeMp3(await encode(tone(1, 0.4), tone(1, -0.4)));
    const middle = [RATE_HZ / 4, RATE_HZ / 2] as const;
    expect(measureRms(both.samples.subarray(...middle))).toBeGreaterThan(8_000);
    expect(measureRms(opposed.samples.subarray(...middle))).toBeLessThan(300);
  });

  test('gives the same samples each time, also in several slices and side by side', async () => {
    const mp3 = await encode(tone(25, 0.3));
    expect(mp3.length).toBeGreaterThan(2 * 2 ** 16);
    const [one, other] = await Promise.all([decodeMp3(mp3), decodeMp3(mp3)]);
    expect(Buffer.from(one.samples.buffer).equals(Buffer.from(other.samples.buffer))).toBe(true);
    expect(one.samples.length - 25 * RATE_HZ).toBeGreaterThanOrEqual(0);
    expect(one.samples.length - 25 * RATE_HZ).toBeLessThan(MOST_ADDED);
  });

  test('lets others have their turn between two slices', async () => {
    const mp3 = await encode(tone(25, 0.3));
    let turns = 0;
    let isDone = false;
    const count = (): void => {
      if (isDone) return;
      turns += 1;
      setImmediate(count);
    };
    await decodeMp3(await encode(tone(1, 0.3)));
    setImmediate(count);
    await decodeMp3(mp3);
    isDone = true;
    expect(turns).toBeGreaterThanOrEqual(2);
  });

  test('cuts off what is louder than 16 bits', async () => {
    const { samples } = await decodeMp3(await encode(tone(1, 1.6)));
    expect(samples.reduce((most, sample) => Math.max(most, sample), 0)).toBe(32_767);
    expect(samples.reduce((least, sample) => Math.min(least, sample), 0)).toBe(-32_768);
  });

  test('no bytes are no sound', async () => {
    await expect(decodeMp3(new Uint8Array(0))).rejects.toMatchObject({ code: 'audio_missing' });
  });

  test('refuses what is no MP3 and what is broken inside', async () => {
    const broken = await encode(tone(5, 0.5));
    broken.fill(0x55, 6_000, 12_000);
    const others = [
      Buffer.from('This is a page and no sound. '.repeat(80)),
      new Uint8Array(9_000),
      Buffer.from('RIFF\u0024\u0000\u0000\u0000WAVEfmt '.padEnd(4_000, '\u0000')),
      broken,
    ];
    for (const bytes of others) {
      await expect(decodeMp3(bytes)).rejects.toMatchObject({
        code: 'model_failed',
        details: expect.any(String) as string,
      });
    }
  });
});
