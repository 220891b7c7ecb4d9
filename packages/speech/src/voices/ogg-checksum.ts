const POLYNOMIAL = 0x04c11db7;
/** Where the sum itself stands in a page; it counts as zeros. */
const SUM_START = 22;
const SUM_END = 26;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte << 24;
  for (let bit = 0; bit < 8; bit += 1) rest = (rest << 1) ^ (rest < 0 ? POLYNOMIAL : 0);
  return rest >>> 0;
});

/** The checksum of an Ogg page: CRC-32, not reflected, from 0. @see https://www.rfc-editor.org/rfc/rfc3533 section 6 */
export const oggChecksum = (page: Uint8Array): number => {
  let sum = 0;
  for (let index = 0; index < page.length; index += 1) {
    const byte = index >= SUM_START && index < SUM_END ? 0 : (page[index] ?? 0);
    sum = (sum << 8) ^ (TABLE[((sum >>> 24) ^ byte) & 255] ?? 0);
  }
  return sum >>> 0;
};
