import type { AudioEncoder } from './audio-encoder.ts';
import { formatWavOfParts } from './wav.ts';

/** WAV files, made in memory: 32 KB a second of 16 kHz sound. */
export const createWavEncoder = (): AudioEncoder => ({
  open: async (sampleRateHz) => {
    let parts: Int16Array<ArrayBuffer>[] = [];
    return {
      write: async (samples) => {
        parts.push(samples);
        return new Uint8Array(0);
      },
      finish: async () => formatWavOfParts(sampleRateHz, parts),
      abandon: () => {
        parts = [];
      },
    };
  },
  close: async () => {},
});
