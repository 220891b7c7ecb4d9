import { setImmediate as nextTurn } from 'node:timers/promises';
import { TalebackError } from '@taleback/core';
import type { MPEGDecoder } from 'mpg123-decoder';
import { joinSamples, type Pcm } from './pcm.ts';

/**
 * Decoded in one go, bytes: 11 s of sound at 48 kbit/s, which takes 5 to 10 ms. Between two such slices the thread is
 * free for others, so no thread of its own is needed: a whole chunk (15 s) took 6 to 17 ms, a minute 4 times 6.
 */
const SLICE_BYTES = 2 ** 16;

type Decoded = ReturnType<MPEGDecoder['decode']>;

const undecodable = (details: string, cause?: unknown): TalebackError =>
  new TalebackError('model_failed', 'The engine gave an MP3 that cannot be decoded.', { details, cause });

/**
 * The sound of a whole MP3 file or stream, its channels mixed to one, at its own sample rate.
 *
 * @throws TalebackError `audio_missing` for no bytes at all; `model_failed` when it is not an MP3, holds none but broken
 * frames, or is broken anywhere in between: a gap would be lost words.
 *
 * @example
 * await decodeMp3(new Uint8Array()).catch((error) => console.log(error.code)); // audio_missing
 */
export const decodeMp3 = async (bytes: Uint8Array): Promise<Pcm> => {
  if (bytes.length === 0) throw new TalebackError('audio_missing', 'The engine made no sound.');
  const parts: Int16Array<ArrayBuffer>[] = [];
  let sampleRateHz = 0;
  for await (const decoded of decodeBy(decodeSlice, bytes)) {
    if (decoded.samplesDecoded === 0) continue;
    if (sampleRateHz !== 0 && decoded.sampleRate !== sampleRateHz) {
      throw undecodable(`the rate changes from ${sampleRateHz} to ${decoded.sampleRate} Hz`);
    }
    sampleRateHz = decoded.sampleRate;
    parts.push(mixDown(decoded));
  }
  if (sampleRateHz === 0) throw undecodable(`no MP3 frame in ${bytes.length} bytes`);
  return { sampleRateHz, samples: joinSamples(parts) };
};

type DecodeSlice = (decoder: MPEGDecoder, bytes: Uint8Array, offset: number) => Decoded;

/** What a decoder of its own makes of a file, slice by slice. */
async function* decodeBy(decode: DecodeSlice, bytes: Uint8Array): AsyncGenerator<Decoded> {
  // Loaded when it is needed: few engines answer in MP3.
  const { MPEGDecoder } = await import('mpg123-decoder');
  const decoder = new MPEGDecoder();
  try {
    await decoder.ready;
    for (let offset = 0; offset < bytes.length; offset += SLICE_BYTES) {
      if (offset > 0) await nextTurn();
      yield decode(decoder, bytes, offset);
    }
  } finally {
    decoder.free();
  }
}

const decodeSlice: DecodeSlice = (decoder, bytes, offset) => {
  let decoded: Decoded;
  try {
    decoded = decoder.decode(bytes.subarray(offset, offset + SLICE_BYTES));
  } catch (error) {
    throw undecodable(`after ${offset} bytes: ${String(error)}`, error);
  }
  const [broken] = decoded.errors;
  if (broken !== undefined)
    throw undecodable(`${broken.message} within ${SLICE_BYTES} bytes after ${offset}`);
  return decoded;
};

/** One channel of 16 bits: the mean of all channels, the loudest cut off where 16 bits end. */
const mixDown = ({ channelData, samplesDecoded }: Decoded): Int16Array<ArrayBuffer> => {
  const samples = new Int16Array(samplesDecoded);
  const scale = 32_768 / Math.max(1, channelData.length);
  for (let index = 0; index < samplesDecoded; index += 1) {
    let sum = 0;
    for (const channel of channelData) sum += channel[index] ?? 0;
    samples[index] = Math.max(-32_768, Math.min(32_767, Math.round(sum * scale)));
  }
  return samples;
};

/**
 * Decodes the frames of an MP3 file and skips everything else, unlike `decodeMp3`.
 *
 * @returns its length, and the root mean square of its 16-bit samples over all channels; both are 0 without a frame
 */
export const measureMp3 = async (bytes: Uint8Array) => {
  let durationMs = 0;
  let squares = 0;
  let count = 0;
  const slices = decodeBy(
    (decoder, all, offset) => decoder.decode(all.subarray(offset, offset + SLICE_BYTES)),
    bytes,
  );
  for await (const { channelData, samplesDecoded, sampleRate } of slices) {
    if (samplesDecoded === 0) continue;
    durationMs += (samplesDecoded * 1000) / sampleRate;
    for (const channel of channelData) {
      for (let index = 0; index < samplesDecoded; index += 1) squares += (channel[index] ?? 0) ** 2;
      count += samplesDecoded;
    }
  }
  return { durationMs, rms: count === 0 ? 0 : 32_768 * Math.sqrt(squares / count) };
};
