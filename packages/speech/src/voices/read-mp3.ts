import { corruptProfile, unusableProfile } from './profile-fault.ts';
import { type Recording, tagAt } from './recording.ts';

/** kbit/s by the index of the header, layer III. @see ISO/IEC 11172-3 and 13818-3, 2.4.2.3 */
const KBPS_MPEG1 = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const KBPS_MPEG2 = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
const RATES_HZ = [44_100, 48_000, 32_000];
/** By the two bits of the version: 2.5, none, 2, 1. */
const RATE_DIVISORS = [4, 0, 2, 1];
/** More rubbish than sound between the frames is damage. */
const MOST_RUBBISH_SHARE = 0.5;
const LEAST_FRAMES = 3;

interface Mp3Frame {
  readonly sampleRateHz: number;
  readonly channels: number;
  readonly samples: number;
  readonly sizeBytes: number;
}

const frameAt = (bytes: Uint8Array, offset: number): Mp3Frame | undefined => {
  const [sync = 0, kind = 0, rates = 0, mode = 0] = bytes.subarray(offset, offset + 4);
  if (offset + 4 > bytes.length || sync !== 0xff || (kind & 0xe0) !== 0xe0) return undefined;
  const divisor = RATE_DIVISORS[(kind >> 3) & 3] ?? 0;
  const isLayer3 = ((kind >> 1) & 3) === 1;
  const kbps = (divisor === 1 ? KBPS_MPEG1 : KBPS_MPEG2)[rates >> 4] ?? 0;
  const baseHz = RATES_HZ[(rates >> 2) & 3];
  if (divisor === 0 || !isLayer3 || kbps === 0 || baseHz === undefined) return undefined;
  const sampleRateHz = baseHz / divisor;
  const samples = divisor === 1 ? 1152 : 576;
  const padding = (rates >> 1) & 1;
  return {
    sampleRateHz,
    samples,
    channels: mode >> 6 === 3 ? 1 : 2,
    sizeBytes: Math.floor(((samples / 8) * kbps * 1000) / sampleRateHz) + padding,
  };
};

/** Behind the ID3v2 tags, of which there may be several. @see https://id3.org/id3v2.4.0-structure */
const behindTags = (bytes: Uint8Array): number => {
  let offset = 0;
  while (tagAt(bytes, offset, 3) === 'ID3') {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.subarray(offset + 6, offset + 10);
    const hasFooter = ((bytes[offset + 5] ?? 0) & 0x10) !== 0;
    offset +=
      10 + ((a & 127) << 21) + ((b & 127) << 14) + ((c & 127) << 7) + (d & 127) + (hasFooter ? 10 : 0);
  }
  return offset;
};

const isTrailer = (bytes: Uint8Array, offset: number): boolean =>
  tagAt(bytes, offset, 3) === 'TAG' ||
  tagAt(bytes, offset, 8) === 'APETAGEX' ||
  tagAt(bytes, offset, 3) === 'ID3';

/** A frame that another one follows, or nothing; four bytes alone look like one too easily. */
const trustedFrameAt = (bytes: Uint8Array, offset: number): Mp3Frame | undefined => {
  const frame = frameAt(bytes, offset);
  if (frame === undefined) return undefined;
  const next = offset + frame.sizeBytes;
  if (next >= bytes.length || isTrailer(bytes, next)) return frame;
  return frameAt(bytes, next)?.sampleRateHz === frame.sampleRateHz ? frame : undefined;
};

/**
 * Walks the frames of an MP3 file, over tags and rubbish.
 * @throws TalebackError `voice_profile_corrupt`, or `voice_profile_format_invalid` for layers I and II
 */
export const readMp3 = (bytes: Uint8Array): Recording => {
  const start = behindTags(bytes);
  let first: Mp3Frame | undefined;
  let frames = 0;
  let durationMs = 0;
  let rubbishBytes = 0;
  let isInStep = false;
  for (let offset = start; offset < bytes.length && !isTrailer(bytes, offset); ) {
    const frame: Mp3Frame | undefined = isInStep ? frameAt(bytes, offset) : trustedFrameAt(bytes, offset);
    isInStep = frame !== undefined;
    if (frame === undefined) {
      rubbishBytes += 1;
      offset += 1;
      continue;
    }
    first ??= frame;
    frames += 1;
    durationMs += (frame.samples * 1000) / frame.sampleRateHz;
    offset += frame.sizeBytes;
  }
  if (first === undefined || frames < LEAST_FRAMES) {
    const layer = ((bytes[start + 1] ?? 0) >> 1) & 3;
    if (bytes[start] === 0xff && (layer === 2 || layer === 3))
      throw unusableProfile('MPEG audio, but not layer III');
    throw corruptProfile(`MP3: ${frames} frames in ${bytes.length} bytes`);
  }
  if (rubbishBytes > (bytes.length - start) * MOST_RUBBISH_SHARE)
    throw corruptProfile(`MP3: ${rubbishBytes} of ${bytes.length} bytes belong to no frame`);
  return { format: 'mp3', sampleRateHz: first.sampleRateHz, channels: first.channels, durationMs };
};
