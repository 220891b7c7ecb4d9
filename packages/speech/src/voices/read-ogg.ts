import { oggChecksum } from './ogg-checksum.ts';
import { corruptProfile, unusableProfile } from './profile-fault.ts';
import { readStreamInfo } from './read-flac.ts';
import { type Recording, tagAt, viewOf } from './recording.ts';

const HEADER_BYTES = 27;
const OPUS_RATE_HZ = 48_000;

interface OggCodec {
  readonly sampleRateHz: number;
  readonly channels: number;
  /** Samples at the beginning that are not played. */
  readonly skipSamples: number;
}

/** What the first packet says. @see https://xiph.org/vorbis/doc/Vorbis_I_spec.html 4.2, RFC 7845, https://xiph.org/flac/ogg_mapping.html */
const readCodec = (bytes: Uint8Array, start: number): OggCodec => {
  const view = viewOf(bytes);
  if (start + 30 > bytes.length && tagAt(bytes, start, 8) !== 'OpusHead')
    throw corruptProfile('Ogg: is cut off');
  if (tagAt(bytes, start, 7) === '\u0001vorbis')
    return {
      sampleRateHz: view.getUint32(start + 12, true),
      channels: view.getUint8(start + 11),
      skipSamples: 0,
    };
  if (tagAt(bytes, start, 8) === 'OpusHead' && start + 19 <= bytes.length)
    return {
      sampleRateHz: OPUS_RATE_HZ,
      channels: view.getUint8(start + 9),
      skipSamples: view.getUint16(start + 10, true),
    };
  if (tagAt(bytes, start, 5) === '\u007fFLAC') {
    const { sampleRateHz, channels } = readStreamInfo(bytes, start + 17);
    return { sampleRateHz, channels, skipSamples: 0 };
  }
  throw unusableProfile('Ogg: holds neither Vorbis, Opus nor FLAC');
};

interface OggPage {
  readonly isFirst: boolean;
  readonly serial: number;
  /** Samples up to the end of the page; undefined when no packet ends on it. */
  readonly granule: number | undefined;
  readonly bodyStart: number;
  readonly end: number;
}

/** @returns undefined when the file ends in the middle of the page */
const pageAt = (bytes: Uint8Array, offset: number): OggPage | undefined => {
  if (offset + HEADER_BYTES > bytes.length) return undefined;
  const view = viewOf(bytes);
  if (tagAt(bytes, offset) !== 'OggS' || view.getUint8(offset + 4) !== 0)
    throw corruptProfile(`Ogg: no page at byte ${offset}`);
  const segments = view.getUint8(offset + 26);
  const bodyStart = offset + HEADER_BYTES + segments;
  const end = bytes.subarray(offset + HEADER_BYTES, bodyStart).reduce((sum, size) => sum + size, bodyStart);
  if (bodyStart > bytes.length || end > bytes.length) return undefined;
  if (oggChecksum(bytes.subarray(offset, end)) !== view.getUint32(offset + 22, true))
    throw corruptProfile(`Ogg: the page at byte ${offset} has a wrong checksum`);
  const granule = view.getBigInt64(offset + 6, true);
  return {
    isFirst: (view.getUint8(offset + 5) & 2) !== 0,
    serial: view.getUint32(offset + 14, true),
    granule: granule < 0n ? undefined : Number(granule),
    bodyStart,
    end,
  };
};

/**
 * Walks the pages of an Ogg file, checks each and reads the first packet of its sound; a last page that was cut off is
 * left out, as every player does.
 *
 * @throws TalebackError `voice_profile_corrupt`, `voice_profile_format_invalid`
 */
export const readOgg = (bytes: Uint8Array): Recording => {
  const first = pageAt(bytes, 0);
  if (first === undefined || !first.isFirst) throw corruptProfile('Ogg: does not begin with a first page');
  const codec = readCodec(bytes, first.bodyStart);
  if (codec.sampleRateHz === 0 || codec.channels === 0)
    throw corruptProfile('Ogg: has no rate or no channels');
  let samples = 0;
  let pages = 1;
  for (let page = pageAt(bytes, first.end); page !== undefined; page = pageAt(bytes, page.end)) {
    pages += 1;
    if (page.serial === first.serial) samples = Math.max(samples, page.granule ?? 0);
  }
  if (pages < 3) throw corruptProfile('Ogg: there is no sound behind its header');
  return {
    format: 'ogg',
    sampleRateHz: codec.sampleRateHz,
    channels: codec.channels,
    durationMs: (Math.max(0, samples - codec.skipSamples) * 1000) / codec.sampleRateHz,
  };
};
