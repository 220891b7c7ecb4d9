import { corruptProfile, unusableProfile } from './profile-fault.ts';
import { type Recording, tagAt, viewOf } from './recording.ts';

const PCM = 1;
const FLOAT = 3;
const EXTENSIBLE = 0xfffe;

interface WavFormat {
  readonly sampleRateHz: number;
  readonly channels: number;
  readonly bytesPerSample: number;
  readonly readSample: (view: DataView, offset: number) => number;
}

/** Each gives -1 to 1. @see https://www.mmsp.ece.mcgill.ca/Documents/AudioFormats/WAVE/WAVE.html */
const SAMPLE_READERS: Readonly<Record<string, WavFormat['readSample']>> = {
  [`${PCM}/8`]: (view, offset) => (view.getUint8(offset) - 128) / 2 ** 7,
  [`${PCM}/16`]: (view, offset) => view.getInt16(offset, true) / 2 ** 15,
  [`${PCM}/24`]: (view, offset) =>
    ((view.getInt8(offset + 2) << 16) | view.getUint16(offset, true)) / 2 ** 23,
  [`${PCM}/32`]: (view, offset) => view.getInt32(offset, true) / 2 ** 31,
  [`${FLOAT}/32`]: (view, offset) => view.getFloat32(offset, true),
  [`${FLOAT}/64`]: (view, offset) => view.getFloat64(offset, true),
};

const readFormat = (view: DataView, start: number): WavFormat => {
  if (start + 16 > view.byteLength) throw corruptProfile('WAV: the format block is cut off');
  const tag = view.getUint16(start, true);
  // The true format stands in the extension.
  const isExtended = tag === EXTENSIBLE && start + 26 <= view.byteLength;
  const format = isExtended ? view.getUint16(start + 24, true) : tag;
  const bits = view.getUint16(start + 14, true);
  const readSample = SAMPLE_READERS[`${format}/${bits}`];
  if (readSample === undefined) throw unusableProfile(`WAV: format ${format} with ${bits} bits is not read`);
  return {
    sampleRateHz: view.getUint32(start + 4, true),
    channels: view.getUint16(start + 2, true),
    bytesPerSample: bits / 8,
    readSample,
  };
};

const measure = (view: DataView, start: number, count: number, format: WavFormat): number => {
  const { bytesPerSample, readSample } = format;
  let sum = 0;
  for (let index = 0; index < count; index += 1) {
    const sample = readSample(view, start + index * bytesPerSample);
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
  const view = viewOf(bytes);
  let format: WavFormat | undefined;
  for (let offset = 12; offset + 8 <= bytes.length; ) {
    const tag = tagAt(bytes, offset);
    const claimedBytes = view.getUint32(offset + 4, true);
    const start = offset + 8;
    if (tag === 'fmt ') format = readFormat(view, start);
    if (tag === 'data') {
      if (format === undefined) throw corruptProfile('WAV: the sound comes before its format');
      return readData(view, start, claimedBytes, format);
    }
    offset = start + claimedBytes + (claimedBytes % 2);
  }
  throw corruptProfile(
    format === undefined ? 'WAV: there is no format block' : 'WAV: there is no sound in it',
  );
};

const readData = (view: DataView, start: number, claimedBytes: number, format: WavFormat): Recording => {
  const { sampleRateHz, channels, bytesPerSample } = format;
  if (sampleRateHz === 0 || channels === 0)
    throw corruptProfile(`WAV: ${channels} channels at ${sampleRateHz} Hz`);
  const thereBytes = view.byteLength - start;
  const usableBytes = claimedBytes === 0 ? thereBytes : Math.min(claimedBytes, thereBytes);
  const frames = Math.floor(usableBytes / (bytesPerSample * channels));
  if (frames === 0) throw corruptProfile('WAV: there is no sound in it');
  return {
    format: 'wav',
    sampleRateHz,
    channels,
    durationMs: (frames * 1000) / sampleRateHz,
    rms: measure(view, start, frames * channels, format),
  };
};
