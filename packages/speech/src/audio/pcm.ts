/** Sound on its way through this process: one channel of signed 16-bit samples. */
export interface Pcm {
  readonly sampleRateHz: number;
  readonly samples: Int16Array<ArrayBuffer>;
}

/** How many samples fill a time, to the nearest one. */
export const samplesIn = (durationMs: number, sampleRateHz: number): number =>
  Math.round((durationMs * sampleRateHz) / 1000);

/** How long so many samples last, in whole milliseconds. */
export const durationMsOf = (sampleCount: number, sampleRateHz: number): number =>
  Math.round((sampleCount * 1000) / sampleRateHz);
