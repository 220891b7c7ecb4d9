import { TalebackError } from '@taleback/core';
import type { Pcm } from '../../audio/index.ts';

const PCM_FORMAT = 1;
const FLOAT_FORMAT = 3;
const EXTENSIBLE_FORMAT = 0xfffe;
/** Of an extensible format block: where the format stands that it extends. */
const SUB_FORMAT_OFFSET = 24;
/** Writers that stream put 0, or something near the largest size, where they cannot know the size yet. */
const LEAST_FAKE_SIZE = 0x7fff_0000;

interface WavFormat {
  readonly sampleRateHz: number;
  readonly channels: number;
  readonly bytesPerSample: number;
  /** The sample at an offset, as 16 bits. */
  readonly sampleAt: (view: DataView, offset: number) => number;
}

const unreadable = (details: string): TalebackError =>
  new TalebackError('model_failed', 'The speech service gave a sound file that cannot be read.', { details });

const fromFloat = (value: number): number => Math.max(-32_768, Math.min(32_767, Math.round(value * 32_767)));

const READERS: Readonly<Record<string, WavFormat['sampleAt']>> = {
  [`${PCM_FORMAT}/8`]: (view, offset) => (view.getUint8(offset) - 128) << 8,
  [`${PCM_FORMAT}/16`]: (view, offset) => view.getInt16(offset, true),
  [`${PCM_FORMAT}/24`]: (view, offset) => view.getInt16(offset + 1, true),
  [`${PCM_FORMAT}/32`]: (view, offset) => view.getInt16(offset + 2, true),
  [`${FLOAT_FORMAT}/32`]: (view, offset) => fromFloat(view.getFloat32(offset, true)),
  [`${FLOAT_FORMAT}/64`]: (view, offset) => fromFloat(view.getFloat64(offset, true)),
};

const readFormat = (view: DataView, start: number, sizeBytes: number): WavFormat => {
  if (sizeBytes < 16 || start + sizeBytes > view.byteLength) throw unreadable('cut format block');
  const tag = view.getUint16(start, true);
  const isExtended = tag === EXTENSIBLE_FORMAT && sizeBytes >= SUB_FORMAT_OFFSET + 2;
  const format = isExtended ? view.getUint16(start + SUB_FORMAT_OFFSET, true) : tag;
  const channels = view.getUint16(start + 2, true);
  const sampleRateHz = view.getUint32(start + 4, true);
  const bits = view.getUint16(start + 14, true);
  const sampleAt = READERS[`${format}/${bits}`];
  if (sampleAt === undefined || channels === 0 || sampleRateHz === 0) {
    throw unreadable(`format ${format}, ${channels} channels, ${bits} bits, ${sampleRateHz} Hz`);
  }
  return { sampleRateHz, channels, bytesPerSample: bits / 8, sampleAt };
};

const readSamples = (view: DataView, start: number, claimedBytes: number, format: WavFormat): Pcm => {
  const { sampleRateHz, channels, bytesPerSample, sampleAt } = format;
  const thereBytes = view.byteLength - start;
  const isFake = claimedBytes === 0 || claimedBytes >= LEAST_FAKE_SIZE;
  if (!isFake && claimedBytes > thereBytes) {
    throw new TalebackError('audio_missing', 'The answer of the speech service broke off.', {
      details: `${thereBytes} of ${claimedBytes} bytes of sound`,
    });
  }
  const frameBytes = channels * bytesPerSample;
  const samples = new Int16Array(Math.floor((isFake ? thereBytes : claimedBytes) / frameBytes));
  for (let index = 0; index < samples.length; index += 1) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel += 1) {
      sum += sampleAt(view, start + index * frameBytes + channel * bytesPerSample);
    }
    samples[index] = sum / channels;
  }
  return { sampleRateHz, samples };
};

export const isWav = (bytes: Uint8Array): boolean =>
  bytes.length >= 12 &&
  Buffer.from(bytes.buffer, bytes.byteOffset, 12)
    .toString('latin1')
    .replace(/^RIFF.{4}WAVE$/su, '') === '';

/**
 * Any uncompressed WAV file, mixed down to one channel of 16 bits: services write what their model gives, which may be
 * floats, and their settings may ask for two channels. Our own files go through `parseWav`.
 *
 * @throws TalebackError `model_failed` when it is no such file, `audio_missing` when it ends before its time.
 */
export const readWav = (bytes: Uint8Array): Pcm => {
  if (!isWav(bytes)) throw unreadable('no RIFF/WAVE header');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let format: WavFormat | undefined;
  for (let offset = 12; offset + 8 <= bytes.length; ) {
    const tag = Buffer.from(bytes.subarray(offset, offset + 4)).toString('latin1');
    const sizeBytes = view.getUint32(offset + 4, true);
    const start = offset + 8;
    if (tag === 'fmt ') format = readFormat(view, start, sizeBytes);
    if (tag === 'data') {
      if (format === undefined) throw unreadable('no format before the data');
      return readSamples(view, start, sizeBytes, format);
    }
    offset = start + sizeBytes + (sizeBytes % 2);
  }
  throw unreadable('no data block');
};
