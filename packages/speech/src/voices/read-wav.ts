import { FLOAT_FORMAT, PCM_FORMAT, readWavLayout, type WavLayout } from '../audio/index.ts';
import { corruptProfile, unusableProfile } from './profile-fault.ts';
import { type Recording, viewOf } from './recording.ts';

type ReadSample = (view: DataView, offset: number) => number;

/** Each gives -1 to 1. */
const SAMPLE_READERS: Readonly<Record<string, ReadSample>> = {
  [`${PCM_FORMAT}/8`]: (view, offset) => (view.getUint8(offset) - 128) / 2 ** 7,
  [`${PCM_FORMAT}/16`]: (view, offset) => view.getInt16(offset, true) / 2 ** 15,
  [`${PCM_FORMAT}/24`]: (view, offset) =>
    ((view.getInt8(offset + 2) << 16) | view.getUint16(offset, true)) / 2 ** 23,
  [`${PCM_FORMAT}/32`]: (view, offset) => view.getInt32(offset, true) / 2 ** 31,
  [`${FLOAT_FORMAT}/32`]: (view, offset) => view.getFloat32(offset, true),
  [`${FLOAT_FORMAT}/64`]: (view, offset) => view.getFloat64(offset, true),
};

const measure = (
  view: DataView,
  { soundStart, bitsPerSample }: WavLayout,
  count: number,
  readSample: ReadSample,
): number => {
  const bytesPerSample = bitsPerSample / 8;
  let sum = 0;
  for (let index = 0; index < count; index += 1) {
    const sample = readSample(view, soundStart + index * bytesPerSample);
    sum += sample * sample;
  }
  if (!Number.isFinite(sum)) throw corruptProfile('WAV: holds samples that are no numbers');
  return Math.sqrt(sum / count);
};

/**
 * Reads all of a WAV file: integers of 8, 16, 24 and 32 bits, floats of 32 and 64. Its sizes are believed as far as there
 * are bytes, because writers that stream put anything there.
 *
 * @throws TalebackError `voice_profile_corrupt`, `voice_profile_format_invalid`
 */
export const readWav = (bytes: Uint8Array): Recording => {
  const layout = readWavLayout(bytes);
  if (typeof layout === 'string') throw corruptProfile(`WAV: ${layout}`);
  const { format, channels, sampleRateHz, bitsPerSample, soundStart, claimedBytes } = layout;
  const readSample = SAMPLE_READERS[`${format}/${bitsPerSample}`];
  if (readSample === undefined)
    throw unusableProfile(`WAV: format ${format} with ${bitsPerSample} bits is not read`);
  if (sampleRateHz === 0 || channels === 0)
    throw corruptProfile(`WAV: ${channels} channels at ${sampleRateHz} Hz`);
  const thereBytes = bytes.length - soundStart;
  const usableBytes = claimedBytes === 0 ? thereBytes : Math.min(claimedBytes, thereBytes);
  const frames = Math.floor(usableBytes / ((bitsPerSample / 8) * channels));
  if (frames === 0) throw corruptProfile('WAV: there is no sound in it');
  return {
    format: 'wav',
    sampleRateHz,
    channels,
    durationMs: (frames * 1000) / sampleRateHz,
    rms: measure(viewOf(bytes), layout, frames * channels, readSample),
  };
};
