import { createMp3Encoder, createOggEncoder } from 'wasm-media-encoders';
import { oggChecksum } from '../../src/voices/container-damage.ts';

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
  // A block of padding, the last one.
  bytes.writeUInt32BE((0x81 << 24) >>> 0, 42);
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

/** @param rateHz of the microphone; 0 is a rate that the encoder did not know */
export const opus = (seconds: number, rateHz = 48_000): Buffer => {
  const head = Buffer.from('OpusHead\x01\x01\x38\x01\0\0\0\0\0\0\0', 'latin1');
  head.writeUInt32LE(rateHz, 12);
  return Buffer.concat([
    oggPage(head, { flags: 2 }),
    oggPage(Buffer.from('OpusTags\x04\0\0\0test\0\0\0\0', 'latin1')),
    oggPage(Buffer.alloc(20, 1), { flags: 4, granule: BigInt(Math.round(seconds * 48_000) + 312) }),
  ]);
};

const box = (type: string, ...parts: readonly Buffer[]): Buffer => {
  const head = Buffer.alloc(8);
  const content = Buffer.concat(parts);
  head.writeUInt32BE(8 + content.length, 0);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, content]);
};

const fields = (...values: readonly (readonly [bytes: 1 | 2 | 4, value: number])[]): Buffer =>
  Buffer.concat(
    values.map(([bytes, value]) => {
      const field = Buffer.alloc(bytes);
      field.writeUIntBE(value, 0, bytes);
      return field;
    }),
  );

/** An M4A file with one track whose sound is zeros. */
export const m4a = ({ seconds = 2, rateHz = 44_100, channels = 1 } = {}): Buffer => {
  const entry = box(
    'mp4a',
    Buffer.alloc(6),
    fields([2, 1], [4, 0], [4, 0], [2, channels], [2, 16], [4, 0], [2, rateHz], [2, 0]),
  );
  const samples = Math.ceil((seconds * rateHz) / 1024);
  const stbl = box(
    'stbl',
    box('stsd', fields([4, 0], [4, 1]), entry),
    box('stts', fields([4, 0], [4, 1], [4, samples], [4, 1024])),
    box('stsc', fields([4, 0], [4, 1], [4, 1], [4, samples], [4, 1])),
    box('stsz', fields([4, 0], [4, 64], [4, samples])),
    box('stco', fields([4, 0], [4, 1], [4, 32])),
  );
  const mdhd = box(
    'mdhd',
    fields([4, 0], [4, 0], [4, 0], [4, rateHz], [4, seconds * rateHz], [2, 0x55c4], [2, 0]),
  );
  const hdlr = box('hdlr', fields([4, 0], [4, 0]), Buffer.from('soun'), Buffer.alloc(13));
  const tkhd = box(
    'tkhd',
    fields([4, 7], [4, 0], [4, 0], [4, 1], [4, 0], [4, seconds * 1000]),
    Buffer.alloc(60),
  );
  const trak = box('trak', tkhd, box('mdia', mdhd, hdlr, box('minf', stbl)));
  const mvhd = box('mvhd', fields([4, 0], [4, 0], [4, 0], [4, 1000], [4, seconds * 1000]), Buffer.alloc(80));
  return Buffer.concat([
    box('ftyp', Buffer.from('M4A \0\0\0\0M4A mp42', 'latin1')),
    box('moov', mvhd, trak),
    box('mdat', Buffer.alloc(samples * 64)),
  ]);
};

/** Frames of AAC with an ADTS header each. */
export const aac = ({ seconds = 2 } = {}): Buffer => {
  // AAC-LC, 44.1 kHz, mono, 64 bytes a frame.
  const frame = Buffer.alloc(64);
  frame.set([0xff, 0xf1, 0x50, 0x40, 64 >> 3, ((64 & 7) << 5) | 0x1f, 0xfc]);
  return Buffer.concat(Array.from({ length: Math.ceil((seconds * 44_100) / 1024) }, () => frame));
};

/** AIFF of 16 bits with a sine. */
export const aiff = ({ seconds = 1.5, rateHz = 16_000, channels = 1 } = {}): Buffer => {
  const samples = sine(seconds, rateHz);
  const data = Buffer.alloc(8 + samples.length * 2 * channels);
  samples.forEach((sample, index) => {
    for (let channel = 0; channel < channels; channel += 1)
      data.writeInt16BE(Math.round(sample * 32_767), 8 + (index * channels + channel) * 2);
  });
  // The rate is a float of 80 bits: exponent and mantissa.
  const exponent = Math.floor(Math.log2(rateHz));
  const rate = Buffer.concat([
    fields([2, 16_383 + exponent], [4, rateHz * 2 ** (31 - exponent)]),
    Buffer.alloc(4),
  ]);
  const chunk = (tag: string, content: Buffer): Buffer =>
    Buffer.concat([Buffer.from(tag), fields([4, content.length]), content]);
  const body = Buffer.concat([
    Buffer.from('AIFF'),
    chunk('COMM', Buffer.concat([fields([2, channels], [4, samples.length], [2, 16]), rate])),
    chunk('SSND', data),
  ]);
  return Buffer.concat([Buffer.from('FORM'), fields([4, body.length]), body]);
};

const element = (id: number, content: Buffer): Buffer => {
  const idBytes = Buffer.from(id.toString(16), 'hex');
  return Buffer.concat([idBytes, fields([4, 0x1000_0000 + content.length]), content]);
};

const float = (value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes;
};

/** A WebM file with an Opus track, as a browser records it. @param seconds undefined: a live stream does not say */
export const webm = ({ seconds, rateHz = 48_000 }: { seconds?: number; rateHz?: number } = {}): Buffer => {
  const duration = seconds === undefined ? Buffer.alloc(0) : element(0x4489, float(seconds * 1000));
  const info = element(0x1549a966, Buffer.concat([element(0x2ad7b1, fields([4, 1_000_000])), duration]));
  const audio = element(0xe1, Buffer.concat([element(0xb5, float(rateHz)), element(0x9f, fields([1, 1]))]));
  const track = Buffer.concat([
    element(0xd7, fields([1, 1])),
    element(0x83, fields([1, 2])),
    element(0x86, Buffer.from('A_OPUS')),
    audio,
  ]);
  const head = element(0x1a45dfa3, element(0x4282, Buffer.from('webm')));
  return Buffer.concat([
    head,
    element(0x18538067, Buffer.concat([info, element(0x1654ae6b, element(0xae, track))])),
  ]);
};
