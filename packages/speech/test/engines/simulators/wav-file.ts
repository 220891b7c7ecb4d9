export interface WavFile {
  readonly samples: Int16Array;
  readonly sampleRateHz: number;
  /** Default `pcm`, 16 bits. */
  readonly format?: 'pcm' | 'float' | undefined;
  /** Bits of a sample. Default 16, of floats 32. */
  readonly bits?: 8 | 16 | 24 | 32 | 64 | undefined;
  /** The same sound on each. Default 1. */
  readonly channels?: number | undefined;
  /** What the header says of the data, where it is not the truth. */
  readonly claimedBytes?: number | undefined;
  /** Writes a `LIST` block before the data, as encoders do. Default: none. */
  readonly comment?: string | undefined;
}

const FLOAT_TAG = 3;
const PCM_TAG = 1;

const putSample = (data: Buffer, offset: number, sample: number, kind: string): void => {
  switch (kind) {
    case 'float/32':
      return void data.writeFloatLE(sample / 32_767, offset);
    case 'float/64':
      return void data.writeDoubleLE(sample / 32_767, offset);
    case 'pcm/8':
      return void data.writeUInt8((sample >> 8) + 128, offset);
    case 'pcm/24':
      return void data.writeIntLE(sample * 256, offset, 3);
    case 'pcm/32':
      return void data.writeInt32LE(sample * 65_536, offset);
    default:
      return void data.writeInt16LE(sample, offset);
  }
};

const block = (tag: string, content: Buffer, claimedBytes = content.length): Buffer => {
  const head = Buffer.alloc(8);
  head.write(tag, 'latin1');
  head.writeUInt32LE(claimedBytes, 4);
  return Buffer.concat([head, content, Buffer.alloc(content.length % 2)]);
};

/** WAV files as other programs write them. */
export const wavFile = (file: WavFile): Buffer => {
  const { samples, sampleRateHz, format = 'pcm', channels = 1, claimedBytes, comment } = file;
  const bits = file.bits ?? (format === 'float' ? 32 : 16);
  const width = bits / 8;
  const data = Buffer.alloc(samples.length * channels * width);
  samples.forEach((sample, index) => {
    for (let channel = 0; channel < channels; channel += 1) {
      putSample(data, (index * channels + channel) * width, sample, `${format}/${bits}`);
    }
  });
  const head = Buffer.alloc(16);
  head.writeUInt16LE(format === 'float' ? FLOAT_TAG : PCM_TAG, 0);
  head.writeUInt16LE(channels, 2);
  head.writeUInt32LE(sampleRateHz, 4);
  head.writeUInt32LE(sampleRateHz * channels * width, 8);
  head.writeUInt16LE(channels * width, 12);
  head.writeUInt16LE(bits, 14);
  const blocks = [
    block('fmt ', head),
    ...(comment === undefined ? [] : [block('LIST', Buffer.from(comment))]),
    block('data', data, claimedBytes),
  ];
  return block('RIFF', Buffer.concat([Buffer.from('WAVE'), ...blocks]));
};
