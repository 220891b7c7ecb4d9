/**
 * Below this root mean square (of 32,767) nobody hears speech. flite answers text it cannot speak with a hiss of
 * about 25; its quietest voice speaks at about 1,200.
 */
export const SILENT_RMS = 60;

/** Root mean square of the samples, 0 for none. */
export const measureRms = (samples: Int16Array): number => {
  if (samples.length === 0) return 0;
  let sum = 0;
  // By index: an iterator costs three times as much until it is optimized, and this runs for every chunk.
  for (let index = 0; index < samples.length; index += 1) {
    const sample = samples[index] ?? 0;
    sum += sample * sample;
  }
  return Math.sqrt(sum / samples.length);
};

export const isSilent = (samples: Int16Array): boolean => measureRms(samples) < SILENT_RMS;
