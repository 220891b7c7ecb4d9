import { createHash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';

/**
 * An entry is this head, a JSON object with facts, and the sound:
 *
 *   0  4  "TBSC"
 *   4  2  FORMAT_VERSION
 *   6  4  length of the facts
 *  10  6  length of the sound
 *  16  8  when it was written, unix milliseconds
 *  24 32  its own name
 *  56 32  SHA-256 of the sound
 *  88 32  SHA-256 of the bytes 0 to 87 and the facts
 *
 * Numbers are little-endian. Nothing follows the sound.
 */
const MAGIC = Buffer.from('TBSC', 'latin1');
const FORMAT_VERSION = 1;
const HEAD_BYTES = 120;
const SEAL_OFFSET = 88;

/** A longer hash would hold up everything else that the thread does. */
const HASHED_AT_ONCE_BYTES = 2 ** 21;

/** A sound and what has to be known of it. Facts are never words that somebody wrote. */
export interface KeptSound {
  readonly facts: Readonly<Record<string, unknown>>;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface StampedSound extends KeptSound {
  readonly writtenAtMs: number;
}

const digestOf = async (bytes: Uint8Array): Promise<Buffer> => {
  const hash = createHash('sha256');
  for (let offset = 0; offset < bytes.length; offset += HASHED_AT_ONCE_BYTES) {
    if (offset > 0) await turn();
    hash.update(bytes.subarray(offset, offset + HASHED_AT_ONCE_BYTES));
  }
  return hash.digest();
};

const sealOf = (head: Uint8Array, facts: Uint8Array): Buffer =>
  createHash('sha256').update(head.subarray(0, SEAL_OFFSET)).update(facts).digest();

/** The parts of an entry, one after the other; the sound is not copied. */
export const formatEntry = async (
  name: string,
  { facts, bytes, writtenAtMs }: StampedSound,
): Promise<readonly [head: Uint8Array, sound: Uint8Array]> => {
  const factBytes = Buffer.from(JSON.stringify(facts));
  const head = Buffer.alloc(HEAD_BYTES);
  MAGIC.copy(head);
  head.writeUInt16LE(FORMAT_VERSION, 4);
  head.writeUInt32LE(factBytes.length, 6);
  head.writeUIntLE(bytes.length, 10, 6);
  head.writeDoubleLE(writtenAtMs, 16);
  head.write(name, 24, 'hex');
  (await digestOf(bytes)).copy(head, 56);
  sealOf(head, factBytes).copy(head, SEAL_OFFSET);
  return [Buffer.concat([head, factBytes]), bytes];
};

/** The entry in these bytes, or what is wrong with them. The sound is a view of them. */
export const parseEntry = async (
  name: string,
  file: Uint8Array<ArrayBuffer>,
): Promise<StampedSound | { readonly fault: string }> => {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  if (bytes.length < HEAD_BYTES) return { fault: 'cut short' };
  if (!bytes.subarray(0, 4).equals(MAGIC)) return { fault: 'not an entry' };
  if (bytes.readUInt16LE(4) !== FORMAT_VERSION) return { fault: 'another version' };
  const soundOffset = HEAD_BYTES + bytes.readUInt32LE(6);
  if (bytes.length !== soundOffset + bytes.readUIntLE(10, 6)) return { fault: 'another length' };
  const factBytes = bytes.subarray(HEAD_BYTES, soundOffset);
  if (!sealOf(bytes, factBytes).equals(bytes.subarray(SEAL_OFFSET, HEAD_BYTES)))
    return { fault: 'head altered' };
  if (bytes.toString('hex', 24, 56) !== name) return { fault: 'another name' };
  const sound = file.subarray(soundOffset);
  if (!(await digestOf(sound)).equals(bytes.subarray(56, 88))) return { fault: 'sound altered' };
  return {
    facts: JSON.parse(factBytes.toString()) as Record<string, unknown>,
    bytes: sound,
    writtenAtMs: bytes.readDoubleLE(16),
  };
};
