import { createMp3Encoder, createOggEncoder } from 'wasm-media-encoders';
import { oggChecksum } from './ogg-checksum.ts';

/** A sine of 440 Hz, -1 to 1. */
export const sine = (seconds: number, rateHz: number, peak = 0.5): Float32Array =>
  Float32Array.from(
    { length: Math.round(seconds * rateHz) },
    (_, index) => peak * Math.sin((2 * Math.PI * 440 * index) / rateHz),
  );

export interface WavParts {
  readonly seconds?: number;
  readonly rateHz?: number;
  readonly channels?: number;
  readonly bits?: number;
  readonly tag?: number;
  readonly isFloat?: boolean;
  readonly peak?: number;
  /** What the header says of the bytes of sound, where that is not the truth. */
  readonly claimedBytes?: number;
  /** Blocks before the format. */
  readonly before?: Buffer;
}

const putSample = (data: Buffer, offset: number, sample: number, bits: number, isFloat: boolean): void => {
  if (isFloat && bits === 64) data.writeDoubleLE(sample, offset);
  else if (isFloat) data.writeFloatLE(sample, offset);
  else if (bits === 8) data.writeUInt8(Math.round(128 + sample * 127), offset);
  else data.writeIntLE(Math.round(sample * (2 ** (bits - 1) - 1)), offset, bits / 8);
};

export const wav = ({
  seconds = 1.5,
  rateHz = 16_000,
  channels = 1,
  bits = 16,
  isFloat = false,
  tag = isFloat ? 3 : 1,
  peak = 0.5,
  claimedBytes,
  before = Buffer.alloc(0),
}: WavParts = {}): Buffer => {
  const frames = sine(seconds, rateHz, peak);
  const width = bits / 8;
  const data = Buffer.alloc(frames.length * channels * width);
  for (let index = 0; index < frames.length * channels; index += 1)
    putSample(data, index * width, frames[Math.floor(index / channels)] ?? 0, bits, isFloat);
  const isExtended = tag === 0xfffe;
  const format = Buffer.alloc(8 + (isExtended ? 40 : 16));
  format.write('fmt ', 0, 'latin1');
  format.writeUInt32LE(format.length - 8, 4);
  format.writeUInt16LE(tag, 8);
  format.writeUInt16LE(channels, 10);
  format.writeUInt32LE(rateHz, 12);
  format.writeUInt32LE(rateHz * channels * width, 16);
  format.writeUInt16LE(channels * width, 20);
  format.writeUInt16LE(bits, 22);
  if (isExtended) format.writeUInt16LE(isFloat ? 3 : 1, 32);
  const head = Buffer.alloc(8);
  head.write('data', 0, 'latin1');
  head.writeUInt32LE(claimedBytes ?? data.length, 4);
  const riff = Buffer.from('RIFF\0\0\0\0WAVE', 'latin1');
  return Buffer.concat([riff, before, format, head, data]);
};

export const mp3 = async (seconds: number, rateHz: 16_000 | 44_100): Promise<Buffer> => {
  const encoder = await createMp3Encoder();
  encoder.configure({ sampleRate: rateHz, channels: 1, bitrate: 64 });
  const sound = sine(seconds, rateHz);
  return Buffer.concat([encoder.encode([sound]).slice(), encoder.finalize().slice()]);
};

export const vorbis = async (seconds: number, rateHz: number): Promise<Buffer> => {
  const encoder = await createOggEncoder();
  encoder.configure({ sampleRate: rateHz, channels: 1, vbrQuality: 3 });
  const sound = sine(seconds, rateHz);
  return Buffer.concat([encoder.encode([sound]).slice(), encoder.finalize().slice()]);
};

/** The head of a FLAC file, another block, and the beginning of a frame. */
export const flac = ({ rateHz = 44_100, channels = 2, samples = 88_200 } = {}): Buffer => {
  const bytes = Buffer.alloc(4 + 4 + 34 + 4 + 6 + 8);
  bytes.write('fLaC', 0, 'latin1');
  bytes.writeUInt32BE(34, 4);
  bytes.writeUInt16BE(4096, 8);
  bytes.writeUInt16BE(4096, 10);
  bytes.writeUInt32BE(
    ((rateHz << 12) | ((channels - 1) << 9) | (15 << 4) | Math.floor(samples / 2 ** 32)) >>> 0,
    18,
  );
  bytes.writeUInt32BE(samples % 2 ** 32, 22);
  bytes.writeUInt32BE((0x84 << 24) >>> 0, 42);
  bytes.writeUInt8(6, 45);
  bytes.writeUInt16BE(0xfff8, 52);
  return bytes;
};

/** One page of Ogg with a packet of less than 255 bytes. */
export const oggPage = (packet: Buffer, { flags = 0, granule = 0n, serial = 7 } = {}): Buffer => {
  const head = Buffer.alloc(28);
  head.write('OggS', 0, 'latin1');
  head.writeUInt8(flags, 5);
  head.writeBigInt64LE(granule, 6);
  head.writeUInt32LE(serial, 14);
  head.writeUInt8(1, 26);
  head.writeUInt8(packet.length, 27);
  const page = Buffer.concat([head, packet]);
  page.writeUInt32LE(oggChecksum(page), 22);
  return page;
};

export const opus = (seconds: number): Buffer => {
  const head = Buffer.from(
    'OpusHead\u0001\u0001\u0038\u0001\u0000\u0000\u0000\u0000\u0000\u0000\u0000',
    'latin1',
  );
  return Buffer.concat([
    oggPage(head, { flags: 2 }),
    oggPage(Buffer.from('OpusTags', 'latin1')),
    oggPage(Buffer.alloc(20, 1), { flags: 4, granule: BigInt(Math.round(seconds * 48_000) + 312) }),
  ]);
};
