import { TalebackError } from '@taleback/core';
import { FLOAT_FORMAT, PCM_FORMAT, type Pcm, readWavLayout, type WavLayout } from '../../audio/index.ts';

/** Writers that stream put 0, or something near the largest size, where they cannot know the size yet. */
const LEAST_FAKE_SIZE = 0x7fff_0000;

/** The sample at an offset, as 16 bits. */
type SampleAt = (view: DataView, offset: number) => number;

const unreadable = (details: string): TalebackError =>
  new TalebackError('model_failed', 'The speech service gave a sound file that cannot be read.', { details });

const fromFloat = (value: number): number => Math.max(-32_768, Math.min(32_767, Math.round(value * 32_767)));

const READERS: Readonly<Record<string, SampleAt>> = {
  [`${PCM_FORMAT}/8`]: (view, offset) => (view.getUint8(offset) - 128) << 8,
  [`${PCM_FORMAT}/16`]: (view, offset) => view.getInt16(offset, true),
  [`${PCM_FORMAT}/24`]: (view, offset) => view.getInt16(offset + 1, true),
  [`${PCM_FORMAT}/32`]: (view, offset) => view.getInt16(offset + 2, true),
  [`${FLOAT_FORMAT}/32`]: (view, offset) => fromFloat(view.getFloat32(offset, true)),
  [`${FLOAT_FORMAT}/64`]: (view, offset) => fromFloat(view.getFloat64(offset, true)),
};

const readSamples = (view: DataView, layout: WavLayout, sampleAt: SampleAt): Pcm => {
  const { sampleRateHz, channels, bitsPerSample, soundStart, claimedBytes } = layout;
  const thereBytes = view.byteLength - soundStart;
  const isFake = claimedBytes === 0 || claimedBytes >= LEAST_FAKE_SIZE;
  if (!isFake && claimedBytes > thereBytes) {
    throw new TalebackError('audio_missing', 'The answer of the speech service broke off.', {
      details: `${thereBytes} of ${claimedBytes} bytes of sound`,
    });
  }
  const bytesPerSample = bitsPerSample / 8;
  const frameBytes = channels * bytesPerSample;
  const samples = new Int16Array(Math.floor((isFake ? thereBytes : claimedBytes) / frameBytes));
  for (let index = 0; index < samples.length; index += 1) {
    let sum = 0;
    for (let channel = 0; channel < channels; channel += 1) {
      sum += sampleAt(view, soundStart + index * frameBytes + channel * bytesPerSample);
    }
    samples[index] = sum / channels;
  }
  return { sampleRateHz, samples };
};

/**
 * Any uncompressed WAV file, mixed down to one channel of 16 bits: services write what their model gives, which may be
 * floats, and their settings may ask for two channels. Our own files go through `parseWav`.
 *
 * @throws TalebackError `model_failed` when it is no such file, `audio_missing` when it ends before its time.
 */
export const readWav = (bytes: Uint8Array): Pcm => {
  const layout = readWavLayout(bytes);
  if (typeof layout === 'string') throw unreadable(layout);
  const { format, channels, sampleRateHz, bitsPerSample } = layout;
  const sampleAt = READERS[`${format}/${bitsPerSample}`];
  if (sampleAt === undefined || channels === 0 || sampleRateHz === 0)
    throw unreadable(`format ${format}, ${channels} channels, ${bitsPerSample} bits, ${sampleRateHz} Hz`);
  return readSamples(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), layout, sampleAt);
};
