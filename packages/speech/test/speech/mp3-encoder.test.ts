import { afterEach, describe, expect, test } from 'vitest';
import type { AudioEncoder } from '../../src/audio/audio-encoder.ts';
import { createMp3ThreadEncoder } from '../../src/audio/mp3-encoder.node.ts';
import { watchThreads } from './watch-threads.ts';

const RATE = 16_000;

let encoder: AudioEncoder | undefined;
const { livingThreads } = watchThreads();

afterEach(() => encoder?.close());

const openEncoder = (threadFile?: URL): AudioEncoder => {
  encoder = createMp3ThreadEncoder({ threadFile });
  return encoder;
};

/** A thread that opens streams and then dies of the first sound. */
const MORTAL_THREAD = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { parentPort } from 'node:worker_threads';
    parentPort.on('message', ({ type, streamId }) => {
      if (type === 'encode') process.exit(1);
      parentPort.postMessage({ type: 'opened', streamId });
    });
  `)}`,
);

const second = (): Int16Array<ArrayBuffer> => new Int16Array(RATE).fill(1000);

describe('createMp3ThreadEncoder', () => {
  test('starts its thread with the first stream and ends it on close', async () => {
    const encoding = openEncoder();
    expect(livingThreads()).toBe(0);
    const stream = await encoding.open(RATE);
    await stream.write(second());
    const mp3 = await stream.finish();
    expect(mp3.length).toBeGreaterThan(7900);
    expect(mp3.length).toBeLessThan(9500);
    expect(livingThreads()).toBe(1);
    await encoding.close();
    expect(livingThreads()).toBe(0);
  });

  test('moves the samples away', async () => {
    const stream = await openEncoder().open(RATE);
    const samples = second();
    await stream.write(samples);
    expect(samples.length).toBe(0);
    stream.abandon();
  });

  test('passes on what the thread refuses', async () => {
    await expect(openEncoder().open(12_345)).rejects.toMatchObject({ code: 'model_failed' });
  });

  test('a stream that was given up is over', async () => {
    const stream = await openEncoder().open(RATE);
    stream.abandon();
    await expect(stream.finish()).rejects.toMatchObject({ code: 'internal' });
  });

  test('a dead thread fails its streams; the next stream gets another', async () => {
    const encoding = openEncoder(MORTAL_THREAD);
    const [one, other] = [await encoding.open(RATE), await encoding.open(RATE)];
    await expect(one.write(second())).rejects.toMatchObject({ code: 'worker_lost' });
    await expect(other.finish()).rejects.toMatchObject({ code: 'worker_lost' });
    one.abandon();
    expect(livingThreads()).toBe(0);
    await encoding.open(RATE);
    expect(livingThreads()).toBe(1);
  });

  test('close fails what is under way and what comes later', async () => {
    const encoding = openEncoder();
    const stream = await encoding.open(RATE);
    const underway = stream.write(second());
    underway.catch(() => {});
    await encoding.close();
    await expect(underway).rejects.toMatchObject({ code: 'job_cancelled' });
    await expect(stream.finish()).rejects.toMatchObject({ code: 'job_cancelled' });
    await expect(encoding.open(RATE)).rejects.toMatchObject({ code: 'job_cancelled' });
    stream.abandon();
  });
});
