import { formatWavOfParts } from './wav.ts';

/** One sound file in the making. One call at a time: await each before the next. */
export interface AudioStream {
  /**
   * Takes the samples (their buffer is moved away) and settles when they are encoded.
   * @returns bytes that can be passed on already, in order; none for a format whose header depends on the whole
   */
  write(samples: Int16Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
  /** The whole file. The stream is over. */
  finish(): Promise<Uint8Array<ArrayBuffer>>;
  /** Abandons the stream. Safe at any time, also after `finish`. */
  abandon(): void;
}

export interface AudioEncoder {
  /** Begins what the first `open` would wait for, while the engine speaks. */
  prepare?(): void;
  open(sampleRateHz: number): Promise<AudioStream>;
  /** Fails the open streams and releases the encoder's thread. */
  close(): Promise<void>;
}

/**
 * WAV files, made in memory: 32 KB a second of 16 kHz sound.
 *
 * @example
 * const stream = await createWavEncoder().open(16_000);
 * console.log((await stream.finish()).length); // 44, the header of a file without sound
 */
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
