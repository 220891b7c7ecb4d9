import { spokenLength } from '@taleback/speech/src/audio/index.ts';

/** How big a second of sound is. */
export interface SoundSize {
  /** Default 24,000, the highest that an engine of ours speaks at. */
  readonly sampleRateHz?: number | undefined;
  /** Of the finished file. Default 64. */
  readonly bitrateKbps?: number | undefined;
}

/** Ordinary prose takes 55 to 65 ms a letter. */
const MS_PER_LETTER = 65;
/** For pauses, slow voices, and the draft beside the finished file. */
const MARGIN = 1.5;
const BYTES_PER_SAMPLE = 2;
/** The document beside the audio, the callback in the outbox, and the blocks of a file system. */
const BESIDES_BYTES = 2 ** 20;

/**
 * Bytes that a narration of this text takes while it is made, at most: its chunks as WAV and the finished MP3.
 * @param speed rate of speech, above 0
 */
export const spaceNeededFor = (
  text: string,
  speed: number,
  { sampleRateHz = 24_000, bitrateKbps = 64 }: SoundSize = {},
): number => {
  const seconds = (spokenLength(text) * MS_PER_LETTER * MARGIN) / 1000 / speed;
  return Math.ceil(seconds * (sampleRateHz * BYTES_PER_SAMPLE + (bitrateKbps * 1000) / 8)) + BESIDES_BYTES;
};
