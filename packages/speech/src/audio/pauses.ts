import { type Pcm, samplesIn } from './pcm.ts';

/** How a piece of text ends, which decides how long the narrator breathes after it. */
export type PieceEnding = 'paragraph' | 'sentence' | 'clause' | 'word';

/** Milliseconds, chosen so that a joined story keeps the rhythm of one that is read in one go. */
export const PAUSE_MS: Readonly<Record<PieceEnding, number>> = {
  paragraph: 600,
  sentence: 280,
  clause: 120,
  word: 40,
};

/** Multiples of the natural pauses that still sound like one narration. */
export const PAUSE_SCALE_RANGE = { min: 0, max: 4 } as const;

/** The sound with the pause of this ending behind it: a copy, unless there is no pause. */
export const appendPause = (pcm: Pcm, ending: PieceEnding, scale: number): Pcm => {
  const { sampleRateHz, samples } = pcm;
  const pauseSamples = samplesIn(PAUSE_MS[ending] * scale, sampleRateHz);
  if (pauseSamples === 0) return pcm;
  const joined = new Int16Array(samples.length + pauseSamples);
  joined.set(samples);
  return { sampleRateHz, samples: joined };
};
