import { corruptProfile } from './profile-fault.ts';
import { type Recording, viewOf } from './recording.ts';

const STREAMINFO_BYTES = 34;
const BLOCK_HEADER_BYTES = 4;

export type StreamInfo = Pick<Recording, 'sampleRateHz' | 'channels' | 'durationMs'>;

/**
 * Reads the block that describes a FLAC stream. The total is unknown when it is 0.
 * @see https://www.rfc-editor.org/rfc/rfc9639 section 8.2
 */
export const readStreamInfo = (bytes: Uint8Array, start: number): StreamInfo => {
  if (start + STREAMINFO_BYTES > bytes.length) throw corruptProfile('FLAC: its description is cut off');
  const view = viewOf(bytes);
  if (view.getUint16(start) < 16 || view.getUint16(start + 2) < view.getUint16(start))
    throw corruptProfile('FLAC: blocks of an impossible size');
  // 20 bits of rate, 3 of channels, 5 of depth, 36 of total.
  const high = view.getUint32(start + 10);
  const sampleRateHz = high >>> 12;
  if (sampleRateHz === 0) throw corruptProfile('FLAC: has no sample rate');
  const total = (high & 15) * 2 ** 32 + view.getUint32(start + 14);
  return {
    sampleRateHz,
    channels: ((high >>> 9) & 7) + 1,
    durationMs: total === 0 ? undefined : (total * 1000) / sampleRateHz,
  };
};

/**
 * Reads the description of a FLAC file, walks its other blocks and looks for the first frame.
 * @throws TalebackError `voice_profile_corrupt`
 */
export const readFlac = (bytes: Uint8Array): Recording => {
  const view = viewOf(bytes);
  let info: StreamInfo | undefined;
  let offset = 4;
  for (let isLast = false; !isLast; ) {
    if (offset + BLOCK_HEADER_BYTES > bytes.length) throw corruptProfile('FLAC: ends before its sound');
    const head = view.getUint32(offset);
    isLast = head >>> 31 === 1;
    const type = (head >>> 24) & 127;
    if ((info === undefined) !== (type === 0))
      throw corruptProfile('FLAC: does not begin with its description');
    info ??= readStreamInfo(bytes, offset + BLOCK_HEADER_BYTES);
    offset += BLOCK_HEADER_BYTES + (head & 0xffffff);
  }
  // 14 bits of sync code, one reserved, one of the blocking strategy.
  if (offset + 2 > bytes.length || (view.getUint16(offset) & 0xfffe) !== 0xfff8)
    throw corruptProfile('FLAC: there is no sound behind its description');
  if (info === undefined) throw corruptProfile('FLAC: has no description');
  return { format: 'flac', ...info };
};
