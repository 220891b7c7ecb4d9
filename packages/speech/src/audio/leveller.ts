import { measureLoudness } from './loudness.ts';
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
 * little. The same chunk in the same state gives the same sound, with any engine.
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
  const towardsWished = (mostDb: number): number =>
    storyGainDb === undefined ? wishedDb : storyGainDb + within(wishedDb - storyGainDb, mostDb) * trust;

  const ceiling = toFactor(ceilingDbfs) * FULL_SCALE;
  const peak = findPeak(samples);
  const factor = Math.min(
    toFactor(towardsWished(MAX_CORRECTION_DB)),
    (ceiling * toFactor(MAX_LIMITING_DB)) / peak,
  );
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
      // A whispered opening does not decide about all that follows: the story's gain goes along, slowly.
      storyGainDb: isTelling ? towardsWished(MAX_DRIFT_DB) : undefined,
      lastFactor: made.lastFactor,
    },
  };
};

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
export const createLeveller = (options: LevellerOptions = {}) => {
  let state = NOTHING_LEVELLED;
  return {
    /** The next chunk of the story, as loud as the others; its length stays, and silence stays as it is. */
    level: (pcm: Pcm): Pcm => {
      const levelled = levelChunk(pcm, state, options);
      state = levelled.state;
      return levelled.pcm;
    },
  };
};

/** How the samples of a chunk are made louder or softer. */
interface GainCurve {
  /** Factor at the first sample, to which the chunk before it led. */
  readonly from: number;
  /** Factor behind the ramp. */
  readonly to: number;
  readonly rampSamples: number;
  /** No result goes beyond it, in units of a sample. */
  readonly ceiling: number;
}

/** Below this part of the ceiling (-3 dB) a limited chunk stays as it is; above it, it bends towards the ceiling. */
const KNEE = 10 ** (-3 / 20);

/** Bends what is above the knee: straight at the knee, never quite at the ceiling. It needs no look ahead. */
const bend = (value: number, ceiling: number): number => {
  const size = Math.abs(value);
  const knee = ceiling * KNEE;
  if (size <= knee) return value;
  const bent = knee + (ceiling - knee) * Math.tanh((size - knee) / (ceiling - knee));
  return value < 0 ? -bent : bent;
};

/** The samples by the curve, in an array of their own. Only a chunk that would go beyond the ceiling is bent. */
const applyGain = (
  samples: Int16Array,
  peak: number,
  { from, to, rampSamples, ceiling }: GainCurve,
): Int16Array<ArrayBuffer> => {
  const made = new Int16Array(samples.length);
  const most = Math.floor(ceiling);
  const isBent = peak * Math.max(from, to) > most;
  const ramp = Math.min(rampSamples, samples.length);
  for (let index = 0; index < samples.length; index += 1) {
    const factor = index < ramp ? from + ((to - from) * index) / ramp : to;
    const plain = (samples[index] ?? 0) * factor;
    const value = isBent ? Math.max(-most, Math.min(most, bend(plain, ceiling))) : plain;
    // The array cuts off what is behind the point: faster than rounding, of which this is half the work on a chunk.
    made[index] = value < 0 ? value - 0.5 : value + 0.5;
  }
  return made;
};

/** The largest size of any sample. */
const findPeak = (samples: Int16Array): number => {
  let peak = 0;
  for (let index = 0; index < samples.length; index += 1) {
    const size = Math.abs(samples[index] ?? 0);
    if (size > peak) peak = size;
  }
  return peak;
};

/** Points that are looked at between two samples. BS.1770 asks for at least three at speech rates. */
const PHASES = [0.25, 0.5, 0.75];
/** Samples on each side that an interpolated point is made of. */
const REACH = 6;

/** Hann-windowed sinc, its sum 1, for the point so far behind the sample before it. */
const interpolatorFor = (phase: number): readonly number[] => {
  const taps = Array.from({ length: REACH * 2 }, (_, index) => {
    const distance = index - (REACH - 1) - phase;
    const window = 0.5 + 0.5 * Math.cos((Math.PI * distance) / (REACH + 0.5));
    return (Math.sin(Math.PI * distance) / (Math.PI * distance)) * window;
  });
  const sum = taps.reduce((total, tap) => total + tap, 0);
  return taps.map((tap) => tap / sum);
};

const INTERPOLATORS = PHASES.map(interpolatorFor);

/**
 * The highest point that the sound reaches between its samples, where one of the two next to it is at least `from`:
 * looking everywhere would cost more than all other work on a chunk. In the unit of the samples; 0 when none is so loud.
 * @see https://www.itu.int/rec/R-REC-BS.1770 annex 2
 */
export const findTruePeak = (samples: Int16Array, from: number): number => {
  let peak = 0;
  for (let index = 0; index < samples.length; index += 1) {
    const here = Math.abs(samples[index] ?? 0);
    if (here > peak && here >= from) peak = here;
    if (here < from && Math.abs(samples[index + 1] ?? 0) < from) continue;
    for (const taps of INTERPOLATORS) {
      let point = 0;
      for (let tap = 0; tap < taps.length; tap += 1)
        point += (taps[tap] ?? 0) * (samples[index - (REACH - 1) + tap] ?? 0);
      if (Math.abs(point) > peak) peak = Math.abs(point);
    }
  }
  return peak;
};
