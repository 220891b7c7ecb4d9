import { MPEGDecoder } from 'mpg123-decoder';

export interface Decoded {
  readonly durationMs: number;
  /** Root mean square of the samples, 0 to 1. */
  readonly loudness: number;
}

/** Decodes an MP3 and measures it. */
export const decodeMp3 = async (bytes: Uint8Array): Promise<Decoded> => {
  const decoder = new MPEGDecoder();
  await decoder.ready;
  const { channelData, samplesDecoded, sampleRate } = decoder.decode(bytes);
  decoder.free();
  const samples = channelData[0] ?? new Float32Array();
  const energy = samples.reduce((sum, sample) => sum + sample * sample, 0);
  return {
    durationMs: (samplesDecoded / sampleRate) * 1000,
    loudness: Math.sqrt(energy / Math.max(1, samples.length)),
  };
};
