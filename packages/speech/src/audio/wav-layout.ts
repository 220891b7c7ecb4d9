/** Formats of samples. @see https://www.mmsp.ece.mcgill.ca/Documents/AudioFormats/WAVE/WAVE.html */
export const PCM_FORMAT = 1;
export const FLOAT_FORMAT = 3;
/** The true format stands in the extension. */
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
