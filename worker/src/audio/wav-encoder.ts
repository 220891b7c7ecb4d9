import type { AudioEncoder } from './audio-encoder.ts';
import { formatWav } from './wav.ts';

/** WAV files, made in memory: 32 KB a second of 16 kHz sound. */
export const createWavEncoder = (): AudioEncoder => ({
  open: async (sampleRateHz) => {
    let parts: Int16Array[] = [];
    return {
      write: async (samples) => {
        parts.push(samples);
      },
      finish: async () => formatWav({ sampleRateHz, samples: joined(parts) }),
      abandon: () => {
        parts = [];
      },
    };
  },
  close: async () => {},
});

const joined = (parts: readonly Int16Array[]): Int16Array<ArrayBuffer> => {
  const all = new Int16Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
};
