/** What music-metadata does not check: each gives a description of the damage, or undefined for an intact file. */

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** A description, other blocks and the first frame. @see https://www.rfc-editor.org/rfc/rfc9639 section 8 */
export const verifyFlac = (bytes: Uint8Array): string | undefined => {
  const view = viewOf(bytes);
  let isLast = false;
  let offset = 4;
  for (let block = 0; !isLast; block += 1) {
    if (offset + 4 > bytes.length) return 'ends before its sound';
    const head = view.getUint32(offset);
    isLast = head >>> 31 === 1;
    if ((((head >>> 24) & 127) === 0) !== (block === 0)) return 'does not begin with its description';
    if (block === 0 && offset + 38 > bytes.length) return 'its description is cut off';
    if (block === 0 && view.getUint16(offset + 4) < 16) return 'has blocks of an impossible size';
    offset += 4 + (head & 0xffffff);
  }
  // 14 bits of sync code, one reserved, one of the blocking strategy.
  const hasFrame = offset + 2 <= bytes.length && (view.getUint16(offset) & 0xfffe) === 0xfff8;
  return hasFrame ? undefined : 'there is no sound behind its description';
};

/** Every box within the file. @see ISO/IEC 14496-12 section 4.2 */
export const verifyMp4 = (bytes: Uint8Array): string | undefined => {
  const view = viewOf(bytes);
  for (let offset = 0; offset + 8 <= bytes.length; ) {
    const short = view.getUint32(offset);
    if (short === 0) return undefined;
    const sizeBytes =
      short === 1 && offset + 16 <= bytes.length ? Number(view.getBigUint64(offset + 8)) : short;
    if (sizeBytes < 8) return 'has a box of an impossible size';
    if (offset + sizeBytes > bytes.length) return 'is cut off';
    offset += sizeBytes;
  }
  return undefined;
};

/** The one chunk around all others within the file. */
export const verifyAiff = (bytes: Uint8Array): string | undefined =>
  bytes.length >= 8 && viewOf(bytes).getUint32(4) + 8 > bytes.length ? 'is cut off' : undefined;

const POLYNOMIAL = 0x04c11db7;
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte << 24;
  for (let bit = 0; bit < 8; bit += 1) rest = (rest << 1) ^ (rest < 0 ? POLYNOMIAL : 0);
  return rest >>> 0;
});
/** Where the checksum itself is in a page; it counts as zeros. */
const SUM_START = 22;
const SUM_END = 26;

/** The checksum of an Ogg page: CRC-32, not reflected, from 0. @see https://www.rfc-editor.org/rfc/rfc3533 section 6 */
export const oggChecksum = (page: Uint8Array): number => {
  let sum = 0;
  for (let index = 0; index < page.length; index += 1) {
    const byte = index >= SUM_START && index < SUM_END ? 0 : (page[index] ?? 0);
    sum = (sum << 8) ^ (CRC_TABLE[((sum >>> 24) ^ byte) & 255] ?? 0);
  }
  return sum >>> 0;
};

const OGG_HEADER_BYTES = 27;
/** Two pages of headers and one of sound. */
const LEAST_OGG_PAGES = 3;

/** Whole pages with correct checksums; a last page that was cut off is left out, as every player does. */
export const verifyOgg = (bytes: Uint8Array): string | undefined => {
  const view = viewOf(bytes);
  let pages = 0;
  for (let offset = 0; offset + OGG_HEADER_BYTES <= bytes.length; pages += 1) {
    if (view.getUint32(offset) !== 0x4f676753 || view.getUint8(offset + 4) !== 0)
      return `no page at byte ${offset}`;
    const tableStart = offset + OGG_HEADER_BYTES;
    const table = bytes.subarray(tableStart, tableStart + view.getUint8(offset + 26));
    const end = table.reduce((sum, size) => sum + size, tableStart + view.getUint8(offset + 26));
    if (end > bytes.length) break;
    if (oggChecksum(bytes.subarray(offset, end)) !== view.getUint32(offset + SUM_START, true))
      return `the page at byte ${offset} has a wrong checksum`;
    offset = end;
  }
  return pages < LEAST_OGG_PAGES ? 'there is no sound behind its header' : undefined;
};
