import { TalebackError } from '@taleback/core/errors';
import type { Pcm } from './pcm.ts';
import { EXTENSIBLE_FORMAT, PCM_FORMAT, readWavLayout } from './wav-layout.ts';

const HEADER_BYTES = 44;

/** As WAV files are, and nearly every machine. */
const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

const bytesOf = ({ buffer, byteOffset, byteLength }: Int16Array<ArrayBuffer>): Uint8Array<ArrayBuffer> =>
  new Uint8Array(buffer, byteOffset, byteLength);

const unreadable = (details: string): TalebackError =>
  new TalebackError('model_failed', 'The engine gave a sound file that cannot be read.', { details });

/**
 * Reads 16-bit mono PCM out of a WAV file. A writer that streams cannot know its sizes beforehand and puts 0 or an
 * enormous number there, so the data runs as far as there are bytes.
 *
 * @throws TalebackError `model_failed` when it is not such a file.
 */
export const parseWav = (bytes: Uint8Array): Pcm => {
  const layout = readWavLayout(bytes);
  if (typeof layout === 'string') throw unreadable(layout);
  const { format, channels, sampleRateHz, bitsPerSample, soundStart, claimedBytes } = layout;
  const isWhole = format === PCM_FORMAT || format === EXTENSIBLE_FORMAT;
  if (!isWhole || channels !== 1 || bitsPerSample !== 16 || sampleRateHz === 0)
    throw unreadable(`format ${format}, ${channels} channels, ${bitsPerSample} bits, ${sampleRateHz} Hz`);
  return { sampleRateHz, samples: samplesFrom(bytes, soundStart, claimedBytes) };
};

const samplesFrom = (bytes: Uint8Array, start: number, claimedBytes: number): Int16Array<ArrayBuffer> => {
  const thereBytes = bytes.length - start;
  const usableBytes = claimedBytes === 0 ? thereBytes : Math.min(claimedBytes, thereBytes);
  const samples = new Int16Array(usableBytes >> 1);
  if (IS_LITTLE_ENDIAN) {
    // A copy of the memory: sample by sample it would take longer than all else that is done with a chunk.
    bytesOf(samples).set(bytes.subarray(start, start + samples.byteLength));
    return samples;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let index = 0; index < samples.length; index += 1) {
    samples[index] = view.getInt16(start + index * 2, true);
  }
  return samples;
};

/** Writes 16-bit mono PCM as a WAV file with the plain 44-byte header. */
export const formatWav = ({ sampleRateHz, samples }: Pcm): Uint8Array<ArrayBuffer> =>
  formatWavOfParts(sampleRateHz, [samples]);

/** The same, of samples that come in parts. */
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
    putSamples(bytes, view, offset, part);
    offset += part.byteLength;
  }
  return bytes;
};

const putSamples = (
  bytes: Uint8Array<ArrayBuffer>,
  view: DataView,
  offset: number,
  samples: Int16Array<ArrayBuffer>,
): void => {
  if (IS_LITTLE_ENDIAN) bytes.set(bytesOf(samples), offset);
  else samples.forEach((sample, index) => view.setInt16(offset + index * 2, sample, true));
};
