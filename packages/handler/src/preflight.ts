import { checkStory, describeError, type StoryLimits, TalebackError } from '@taleback/core';
import type { NarrationJob, RecordingSource } from './parse-event.ts';

type CheckedJob = Pick<NarrationJob, 'text' | 'language' | 'voiceId'> & {
  readonly [Name in 'speed' | 'recording' | 'allowsOtherVoice']?: NarrationJob[Name] | undefined;
};

/** How big a second of sound is. */
export interface SoundSize {
  /** Default 24,000, the highest rate of our engines. */
  readonly sampleRateHz?: number | undefined;
  /** Of the finished file. Default 64. */
  readonly bitrateKbps?: number | undefined;
}

export interface PreflightOptions<Recording> {
  readonly limits: StoryLimits;
  /** Rates of speech that engines take. */
  readonly speedRange: { readonly min: number; readonly max: number };
  /** How long a text is to speak, in letters. */
  readonly spokenLength: (text: string) => number;
  /** Fetches and verifies the recording of a voice. @throws TalebackError with what is wrong with it */
  readonly readRecording: (source: RecordingSource, signal: AbortSignal) => Promise<Recording | undefined>;
  /**
   * Looks for an engine that can speak this, whether it is available at the moment or not.
   * @throws TalebackError `language_unsupported`, `voice_not_found`, `voice_language_mismatch` when there is none
   */
  readonly requireEngine: (need: VoiceNeed<Recording>) => void;
  /** Free bytes where narrations are made and stored; undefined when that is not known. */
  readonly freeBytes: () => Promise<number | undefined>;
  readonly soundSize?: SoundSize | undefined;
}

/** What has to be spoken, and in which voice. */
export type VoiceNeed<Recording> = Pick<CheckedJob, 'language' | 'voiceId' | 'allowsOtherVoice'> & {
  readonly recording: Recording | undefined;
};

/** Ordinary prose takes 55 to 65 ms a letter. */
const MS_PER_LETTER = 65;
/** For pauses, slow voices, and the draft beside the finished file. */
const MARGIN = 1.5;
const BYTES_PER_SAMPLE = 2;
/** The document beside the audio, the callback in the outbox, and the blocks of a file system. */
const OVERHEAD_BYTES = 2 ** 20;

/**
 * Bytes that a narration takes while it is made, at most: its chunks as WAV and the finished MP3.
 *
 * @param letters see `spokenLength`
 * @param speed rate of speech, above 0
 */
export const spaceNeededFor = (
  letters: number,
  speed: number,
  { sampleRateHz = 24_000, bitrateKbps = 64 }: SoundSize = {},
): number => {
  const seconds = (letters * MS_PER_LETTER * MARGIN) / 1000 / speed;
  return Math.ceil(seconds * (sampleRateHz * BYTES_PER_SAMPLE + (bitrateKbps * 1000) / 8)) + OVERHEAD_BYTES;
};

const refuse = (code: Parameters<typeof describeError>[0], details: string): TalebackError =>
  new TalebackError(code, describeError(code).sentence, { details });

/**
 * Looks for every problem that can be known before a job costs anything: first in the story, then in the voice, then
 * on our side, so that people first hear what they can change. Whether an engine is available is asked after the
 * cache, which may have the sound already.
 *
 * @returns the recording of the voice, so that it is not fetched again
 * @throws TalebackError with the code of the first problem, and the field in its details
 */
export const preflight = async <Recording>(
  job: CheckedJob,
  options: PreflightOptions<Recording>,
  signal: AbortSignal,
): Promise<Recording | undefined> => {
  const { text, language, voiceId, allowsOtherVoice, speed = 1 } = job;
  const { min, max } = options.speedRange;

  const check = checkStory({ text, language }, options.limits);
  if (!check.ok) throw refuse(check.code, check.sentence);
  if (!(speed >= min && speed <= max))
    throw refuse('request_invalid', `speed: is ${speed}, must be ${min} to ${max}`);

  const recording = job.recording && (await options.readRecording(job.recording, signal));
  options.requireEngine({ language, voiceId, allowsOtherVoice, recording });

  // Where the free space is not known, the store reports a full disk.
  const freeBytes = await options.freeBytes().catch(() => undefined);
  const neededBytes = spaceNeededFor(options.spokenLength(text), speed, options.soundSize);
  if (freeBytes !== undefined && freeBytes < neededBytes)
    throw refuse('disk_full', `disk: ${freeBytes} bytes are free, ${neededBytes} are needed`);
  return recording;
};
