import { crc32 } from 'node:zlib';

/** The square wave that fixtures/tone_engine.py gives for a request. */
export const toneOf = (text: string, voice = 'default', speed = 1): Buffer => {
  const crc = crc32(`${text}|${voice}|${speed}`);
  const halfPeriod = 8 + (crc % 100);
  const loudness = 1000 + ((crc >>> 8) % 20_000);
  const count = 400 + ((crc >>> 4) % 1600);
  const bytes = Buffer.alloc(count * 2);
  for (let index = 0; index < count; index += 1) {
    bytes.writeInt16LE(Math.floor(index / halfPeriod) % 2 === 0 ? loudness : -loudness, index * 2);
  }
  return bytes;
};

/** A WAV file of 16-bit mono sound, taken apart by the letter: every size must be true. */
export const readWav = (file: Buffer): { readonly sampleRateHz: number; readonly samples: Buffer } => {
  const isWhole =
    file.toString('latin1', 0, 4) === 'RIFF' &&
    file.readUInt32LE(4) === file.length - 8 &&
    file.toString('latin1', 8, 16) === 'WAVEfmt ' &&
    file.readUInt16LE(20) === 1 &&
    file.readUInt16LE(22) === 1 &&
    file.readUInt16LE(34) === 16 &&
    file.toString('latin1', 36, 40) === 'data' &&
    file.readUInt32LE(40) === file.length - 44;
  if (!isWhole) throw new Error('no whole WAV file of 16-bit mono sound');
  return { sampleRateHz: file.readUInt32LE(24), samples: file.subarray(44) };
};

/** The loudest sample. */
export const loudest = (samples: Buffer): number => {
  let found = 0;
  for (let at = 0; at + 1 < samples.length; at += 2)
    found = Math.max(found, Math.abs(samples.readInt16LE(at)));
  return found;
};
