import { applyGain, findPeak, type GainCurve } from './leveller-limiter.ts';
import { measureLoudness } from './loudness-lufs.ts';
import { findTruePeak } from './loudness-true-peak.ts';
import { type Pcm, samplesIn } from './pcm.ts';

export interface LevellerOptions {
  /**
   * Loudness of the story, LUFS of its one channel. Default -19: both ears hear a mono file, which makes it 3 LU louder than
   * it measures, and -16 is what Apple asks of podcasts, with a true peak of at most -1 dBFS.
   * @see https://podcasters.apple.com/support/893-audio-requirements
   */
  readonly targetLufs?: number | undefined;
  /** Most that is added or taken, dB. Default 20: beyond it, it is the hiss that is made loud. */
  readonly maxGainDb?: number | undefined;
  /** Highest true peak, dBFS. Default -1, room for what an MP3 encoder adds. */
  readonly ceilingDbfs?: number | undefined;
}

/** What a story's later chunks need to know of the earlier ones. */
export interface LevellerState {
  /** Gain of the story, dB: what its first chunk of a second needed, moved along by later ones. Undefined before it. */
  readonly storyGainDb: number | undefined;
  /** Factor at the end of the last chunk. */
  readonly lastFactor: number | undefined;
}

export interface Leveller {
  /** The next chunk of the story, as loud as the others; its length stays, and silence stays as it is. */
  readonly level: (pcm: Pcm) => Pcm;
}

export const NOTHING_LEVELLED: LevellerState = { storyGainDb: undefined, lastFactor: undefined };

/** Most that a chunk may differ from the story's gain, dB: enough for an engine's moods, and a whisper stays one. */
const MAX_CORRECTION_DB = 6;
/** Shorter chunks say little of their loudness, so they are corrected by so much less. */
const TRUSTED_SECONDS = 1;
/** Most that the limiter may take off a peak, dB. A chunk that would need more stays softer instead. */
const MAX_LIMITING_DB = 3;
/** What the story's gain moves with one trusted chunk. */
const MAX_DRIFT_DB = 1.5;
/** Long enough for no click, short enough for no audible swelling. */
const RAMP_MS = 10;
/** Between softer samples than this part of the ceiling, speech does not reach it. */
const NEAR_CEILING = 0.7;
const FULL_SCALE = 32_768;

const toFactor = (db: number): number => 10 ** (db / 20);
const within = (value: number, most: number): number => Math.min(most, Math.max(-most, value));

/**
 * Levels one chunk: the first sets the story's gain to the target, later ones are corrected towards it and move it a
 * little. The same chunk in the same state gives the same sound, whoever spoke it.
 */
export const levelChunk = (
  pcm: Pcm,
  state: LevellerState,
  { targetLufs = -19, maxGainDb = 20, ceilingDbfs = -1 }: LevellerOptions = {},
): { readonly pcm: Pcm; readonly state: LevellerState } => {
  const lufs = measureLoudness(pcm);
  if (lufs === undefined) return { pcm, state };
  const { sampleRateHz, samples } = pcm;
  const wishedDb = within(targetLufs - lufs, maxGainDb);
  const trust = Math.min(1, samples.length / sampleRateHz / TRUSTED_SECONDS);
  const { storyGainDb } = state;
  const levelDb =
    storyGainDb === undefined
      ? wishedDb
      : storyGainDb + within(wishedDb - storyGainDb, MAX_CORRECTION_DB) * trust;

  const ceiling = toFactor(ceilingDbfs) * FULL_SCALE;
  const peak = findPeak(samples);
  const factor = Math.min(toFactor(levelDb), (ceiling * toFactor(MAX_LIMITING_DB)) / peak);
  const made = withinCeiling(samples, peak, {
    from: state.lastFactor ?? factor,
    to: factor,
    rampSamples: samplesIn(RAMP_MS, sampleRateHz),
    ceiling,
  });
  // A title of a word or two is loud or soft by chance, so the story's gain waits for more than that.
  const isTelling = trust === 1 || storyGainDb !== undefined;
  return {
    pcm: { sampleRateHz, samples: made.samples },
    state: {
      storyGainDb: isTelling ? movedTowards(storyGainDb ?? wishedDb, wishedDb, trust) : undefined,
      lastFactor: made.lastFactor,
    },
  };
};

/** A whispered opening does not decide about all that follows: the story's gain goes along, slowly. */
const movedTowards = (storyGainDb: number, wishedDb: number, trust: number): number =>
  storyGainDb + within(wishedDb - storyGainDb, MAX_DRIFT_DB) * trust;

/** Applies the gain, and once more with less of it when the sound between the samples goes beyond the ceiling. */
const withinCeiling = (
  samples: Int16Array,
  peak: number,
  curve: GainCurve,
): { readonly samples: Int16Array<ArrayBuffer>; readonly lastFactor: number } => {
  const made = applyGain(samples, peak, curve);
  const truePeak = findTruePeak(made, curve.ceiling * NEAR_CEILING);
  if (truePeak <= curve.ceiling) return { samples: made, lastFactor: curve.to };
  const part = curve.ceiling / truePeak;
  const to = curve.to * part;
  const from = Math.min(curve.from, toFactor(MAX_LIMITING_DB) * to);
  return {
    samples: applyGain(samples, peak, { ...curve, from, to, ceiling: curve.ceiling * part }),
    lastFactor: to,
  };
};

/** Keeps the chunks of one story equally loud, given in their order. */
export const createLeveller = (options: LevellerOptions = {}): Leveller => {
  let state = NOTHING_LEVELLED;
  return {
    level: (pcm) => {
      const levelled = levelChunk(pcm, state, options);
      state = levelled.state;
      return levelled.pcm;
    },
  };
};
