import { MPEGDecoder } from 'mpg123-decoder';
import { describe, expect, test } from 'vitest';
import { Mp3Streams } from './mp3-thread.node.ts';

const RATE = 16_000;

const tone = (hertz: number, seconds = 1): Int16Array<ArrayBuffer> =>
  Int16Array.from(
    { length: RATE * seconds },
    (_, index) => 8000 * Math.sin((2 * Math.PI * hertz * index) / RATE),
  );

const openStream = async (streams: Mp3Streams, streamId: number): Promise<void> => {
  const opened = await streams.apply({ type: 'open', streamId, sampleRateHz: RATE, bitrateKbps: 64 });
  expect(opened).toEqual({ type: 'opened', streamId });
};

const bytesOf = (answer: Awaited<ReturnType<Mp3Streams['apply']>>): Uint8Array => {
  if (answer?.type !== 'encoded') throw new Error(`answered ${answer?.type ?? 'nothing'}`);
  return answer.bytes;
};

const encodeWhole = async (
  streams: Mp3Streams,
  streamId: number,
  parts: Int16Array<ArrayBuffer>[],
): Promise<Buffer> => {
  await openStream(streams, streamId);
  const bytes: Uint8Array[] = [];
  for (const samples of parts)
    bytes.push(bytesOf(await streams.apply({ type: 'encode', streamId, samples })));
  bytes.push(bytesOf(await streams.apply({ type: 'finish', streamId })));
  return Buffer.concat(bytes);
};

describe('Mp3Streams', () => {
  test('makes an MP3 that decodes to the same length and level', async () => {
    const mp3 = await encodeWhole(new Mp3Streams(), 1, [tone(440), tone(440)]);
    const decoder = new MPEGDecoder();
    await decoder.ready;
    const { channelData, sampleRate, samplesDecoded, errors } = decoder.decode(mp3);
    decoder.free();
    expect([sampleRate, errors]).toEqual([RATE, []]);
    expect(samplesDecoded / RATE).toBeGreaterThan(1.9);
    expect(samplesDecoded / RATE).toBeLessThan(2.2);
    const sum = channelData[0]?.reduce((total, sample) => total + sample * sample, 0) ?? 0;
    expect(Math.sqrt(sum / samplesDecoded)).toBeCloseTo(8000 / 32_768 / Math.SQRT2, 1);
  });

  test('is the same however the sound is cut, and with an encoder used before', async () => {
    const streams = new Mp3Streams();
    const whole = await encodeWhole(streams, 1, [tone(300, 2)]);
    const sound = tone(300, 2);
    const cut = await encodeWhole(streams, 2, [
      sound.slice(0, 777),
      sound.slice(777, 20_000),
      sound.slice(20_000),
    ]);
    expect(cut.equals(whole)).toBe(true);
  });

  test('keeps streams side by side apart', async () => {
    const streams = new Mp3Streams();
    const alone = [await encodeWhole(streams, 1, [tone(200)]), await encodeWhole(streams, 2, [tone(900)])];
    const together = await Promise.all([
      encodeWhole(streams, 3, [tone(200)]),
      encodeWhole(streams, 4, [tone(900)]),
    ]);
    expect(together.map((mp3, index) => mp3.equals(alone[index] as Buffer))).toEqual([true, true]);
  });

  test('knows no stream that is over, abandoned or was never open', async () => {
    const streams = new Mp3Streams();
    const unknown = { type: 'failed', error: { code: 'internal' } };
    expect(await streams.apply({ type: 'finish', streamId: 9 })).toMatchObject(unknown);
    await encodeWhole(streams, 1, [tone(200)]);
    expect(await streams.apply({ type: 'encode', streamId: 1, samples: tone(1) })).toMatchObject(unknown);
    await openStream(streams, 2);
    expect(await streams.apply({ type: 'abandon', streamId: 2 })).toBeUndefined();
    expect(await streams.apply({ type: 'finish', streamId: 2 })).toMatchObject(unknown);
  });

  test('reports a rate that MP3 does not have', async () => {
    const answer = await new Mp3Streams().apply({
      type: 'open',
      streamId: 1,
      sampleRateHz: 12_345,
      bitrateKbps: 64,
    });
    expect(answer).toMatchObject({ type: 'failed', streamId: 1, error: { code: 'model_failed' } });
  });
});
