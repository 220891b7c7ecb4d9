import { TalebackError } from '@taleback/core/errors';
import type { Pcm } from './pcm.ts';

/** Formats of samples. @see https://www.mmsp.ece.mcgill.ca/Documents/AudioFormats/WAVE/WAVE.html */
export const PCM_FORMAT = 1;
export const FLOAT_FORMAT = 3;
/** The true format is in the extension. */
export const EXTENSIBLE_FORMAT = 0xfffe;

const FORMAT_BYTES = 16;
const SUB_FORMAT_OFFSET = 24;

interface WavFormat {
  readonly format: number;
  readonly channels: number;
  readonly sampleRateHz: number;
  readonly bitsPerSample: number;
}

/** What a WAV file says of itself, none of it judged. */
export interface WavLayout extends WavFormat {
  /** Offset of the sound in the file. */
  readonly soundStart: number;
  /** Bytes of sound. Writers that stream put 0 or an enormous number where they cannot know it yet. */
  readonly claimedBytes: number;
}

const tagAt = (bytes: Uint8Array, offset: number): string =>
  String.fromCharCode(...bytes.subarray(offset, offset + 4));

/** Whether the bytes begin as a WAV file does. */
export const isWav = (bytes: Uint8Array): boolean => tagAt(bytes, 0) === 'RIFF' && tagAt(bytes, 8) === 'WAVE';

const readFormat = (view: DataView, start: number, sizeBytes: number): WavFormat | undefined => {
  if (sizeBytes < FORMAT_BYTES || start + FORMAT_BYTES > view.byteLength) return undefined;
  const tag = view.getUint16(start, true);
  const subFormatEnd = SUB_FORMAT_OFFSET + 2;
  const isExtended =
    tag === EXTENSIBLE_FORMAT && sizeBytes >= subFormatEnd && start + subFormatEnd <= view.byteLength;
  return {
    format: isExtended ? view.getUint16(start + SUB_FORMAT_OFFSET, true) : tag,
    channels: view.getUint16(start + 2, true),
    sampleRateHz: view.getUint32(start + 4, true),
    bitsPerSample: view.getUint16(start + 14, true),
  };
};

/** Walks the blocks of a WAV file up to its sound; what is wrong with the file, in words, when it does not get there. */
export const readWavLayout = (bytes: Uint8Array): WavLayout | string => {
  if (!isWav(bytes)) return 'there is no RIFF/WAVE header';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let format: WavFormat | undefined;
  for (let offset = 12; offset + 8 <= bytes.length; ) {
    const tag = tagAt(bytes, offset);
    const claimedBytes = view.getUint32(offset + 4, true);
    const start = offset + 8;
    if (tag === 'fmt ') {
      format = readFormat(view, start, claimedBytes);
      if (format === undefined) return 'the format block is cut off';
    }
    if (tag === 'data') {
      if (format === undefined) return 'the sound comes before its format';
      return { ...format, soundStart: start, claimedBytes };
    }
    offset = start + claimedBytes + (claimedBytes % 2);
  }
  return format === undefined ? 'there is no format block' : 'there is no sound in it';
};

const fromFloat = (value: number): number => Math.max(-32_768, Math.min(32_767, Math.round(value * 32_767)));

/** Each reads the sample at an offset as 16 bits. */
const SAMPLE_READERS: Readonly<Record<string, (view: DataView, offset: number) => number>> = {
  [`${PCM_FORMAT}/8`]: (view, offset) => (view.getUint8(offset) - 128) << 8,
  [`${PCM_FORMAT}/16`]: (view, offset) => view.getInt16(offset, true),
  [`${PCM_FORMAT}/24`]: (view, offset) => view.getInt16(offset + 1, true),
  [`${PCM_FORMAT}/32`]: (view, offset) => view.getInt16(offset + 2, true),
  [`${FLOAT_FORMAT}/32`]: (view, offset) => fromFloat(view.getFloat32(offset, true)),
  [`${FLOAT_FORMAT}/64`]: (view, offset) => fromFloat(view.getFloat64(offset, true)),
};

/**
 * The first samples of an uncompressed WAV file as 16 bits, its channels interleaved.
 * @returns undefined for a format that cannot be read
 */
export const readWavSamples = (
  bytes: Uint8Array,
  { format, bitsPerSample, soundStart }: WavLayout,
  count: number,
): Int16Array<ArrayBuffer> | undefined => {
  const sampleAt = SAMPLE_READERS[`${format}/${bitsPerSample}`];
  if (sampleAt === undefined) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const samples = new Int16Array(count);
  for (let index = 0; index < count; index += 1) {
    samples[index] = sampleAt(view, soundStart + (index * bitsPerSample) / 8);
  }
  return samples;
};

const HEADER_BYTES = 44;

const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Samples between the memory of this machine and a file, which is little-endian as nearly every machine is. */
const littleEndian = (bytes: Uint8Array): Uint8Array =>
  IS_LITTLE_ENDIAN ? bytes : Buffer.from(bytes).swap16();

const bytesOf = ({ buffer, byteOffset, byteLength }: Int16Array<ArrayBuffer>): Uint8Array<ArrayBuffer> =>
  new Uint8Array(buffer, byteOffset, byteLength);

const unreadable = (details: string): TalebackError =>
  new TalebackError('model_failed', 'The engine gave a sound file that cannot be read.', { details });

/**
 * Reads 16-bit mono PCM from a WAV file. Writers that stream do not know the sizes beforehand and write 0 or a huge
 * number, so the data extends as far as there are bytes.
 *
 * @throws TalebackError `model_failed` when it is not such a file.
 *
 * @example
 * const sound = { sampleRateHz: 16_000, samples: new Int16Array(1_600).fill(1_000) };
 * parseWav(formatWav(sound)).sampleRateHz; // 16000
 */
export const parseWav = (bytes: Uint8Array): Pcm => {
  const layout = readWavLayout(bytes);
  if (typeof layout === 'string') throw unreadable(layout);
  const { format, channels, sampleRateHz, bitsPerSample, soundStart, claimedBytes } = layout;
  const isWhole = format === PCM_FORMAT || format === EXTENSIBLE_FORMAT;
  if (!isWhole || channels !== 1 || bitsPerSample !== 16 || sampleRateHz === 0)
    throw unreadable(`format ${format}, ${channels} channels, ${bitsPerSample} bits, ${sampleRateHz} Hz`);
  const thereBytes = bytes.length - soundStart;
  const usableBytes = claimedBytes === 0 ? thereBytes : Math.min(claimedBytes, thereBytes);
  const samples = new Int16Array(usableBytes >> 1);
  // Copied as a block: sample by sample it would take longer than everything else done with a chunk.
  bytesOf(samples).set(littleEndian(bytes.subarray(soundStart, soundStart + samples.byteLength)));
  return { sampleRateHz, samples };
};

/**
 * Writes 16-bit mono PCM as a WAV file with the plain 44-byte header.
 *
 * @example
 * const sound = { sampleRateHz: 16_000, samples: new Int16Array(1_600).fill(1_000) };
 * formatWav(sound).byteLength; // 3244
 */
export const formatWav = ({ sampleRateHz, samples }: Pcm): Uint8Array<ArrayBuffer> =>
  formatWavOfParts(sampleRateHz, [samples]);

export const formatWavOfParts = (
  sampleRateHz: number,
  parts: readonly Int16Array<ArrayBuffer>[],
): Uint8Array<ArrayBuffer> => {
  const dataBytes = parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const bytes = new Uint8Array(HEADER_BYTES + dataBytes);
  const view = new DataView(bytes.buffer);
  const putTag = (offset: number, tag: string): void => bytes.set(Buffer.from(tag, 'latin1'), offset);
  putTag(0, 'RIFF');
  view.setUint32(4, bytes.length - 8, true);
  putTag(8, 'WAVE');
  putTag(12, 'fmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, PCM_FORMAT, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, sampleRateHz, true);
  view.setUint32(28, sampleRateHz * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  putTag(36, 'data');
  view.setUint32(40, dataBytes, true);
  let offset = HEADER_BYTES;
  for (const part of parts) {
    bytes.set(littleEndian(bytesOf(part)), offset);
    offset += part.byteLength;
  }
  return bytes;
};
