import { z } from 'zod';
import { optional, optionalText } from '../callback/parse.ts';
import { present } from '../json.ts';

/** Bounds of the numbers of a job; Chatterbox takes the last three. @see docs/origins.md */
export const JOB_RANGES = {
  /** Rates between which every voice stays understandable; 1 is the voice's own. */
  speed: { min: 0.5, max: 2 },
  /** Multiples of the natural pauses that still sound like one narration. */
  pause_scale: { min: 0, max: 4 },
  exaggeration: { min: 0.25, max: 2 },
  cfg_weight: { min: 0, max: 1 },
  temperature: { min: 0.05, max: 5 },
} as const;

/** In order of service. */
export const JOB_PRIORITIES = ['high', 'normal', 'low'] as const;
export type JobPriority = (typeof JOB_PRIORITIES)[number];

/**
 * A priority; undefined for anything else.
 *
 * @example
 * priorityOf('urgent'); // undefined
 */
export const priorityOf = (value: unknown): JobPriority | undefined =>
  JOB_PRIORITIES.find((known) => known === value);

const MAX_WORD_CHARACTERS = 50;
const MAX_NAME_CHARACTERS = 200;
const MAX_PATH_CHARACTERS = 1_024;

/**
 * An optional text of at most so many characters.
 *
 * @example
 * textAtMost(3).safeParse('four').success; // false
 */
export const textAtMost = (max: number) =>
  optionalText.refine(
    (text) => text === undefined || text.length <= max,
    `must be at most ${max} characters`,
  );

const STRAY = /[^A-Za-z0-9+/_\s-]/;
const PADDING = /={1,2}\s*$/y;

/**
 * Whether a text is base64 in either alphabet, with or without padding, white space anywhere but inside the padding. A
 * recording has megabytes, so the check is one pass without backtracking, and nothing is copied or decoded.
 *
 * @example
 * isBase64('UklGRg=='); // true
 */
export const isBase64 = (text: string): boolean => {
  const end = text.search(STRAY);
  if (end === -1) return /\S/.test(text);
  PADDING.lastIndex = end;
  return PADDING.test(text) && text.search(/\S/) < end;
};

/** One name in a folder: no way out of it, and no hidden file. */
const fileName = textAtMost(MAX_NAME_CHARACTERS).refine(
  (name) => name === undefined || /^[^./\\\p{Cc}][^/\\\p{Cc}]*$/u.test(name),
  'must be a plain file name',
);

const flag = optional(z.boolean('must be true or false'));

const numberIn = (name: keyof typeof JOB_RANGES) => {
  const { min, max } = JOB_RANGES[name];
  const fault = `must be ${min} to ${max}`;
  return optional(z.number('must be a number').min(min, fault).max(max, fault));
};

/**
 * The optional fields of a job, in the handler's names: `generate` accepts them, the queue carries them, the story keeps
 * them for retries, and the handler reads them (Python handlers read the output names). Null counts as absent.
 */
export const JOB_EXTRAS = {
  /** The recording of the voice, in base64. */
  profile_base64: optionalText.refine((text) => text === undefined || isBase64(text), 'must be base64'),
  /** Where the recording lies in the store. */
  profile_path: textAtMost(MAX_PATH_CHARACTERS),
  is_kids_voice: flag,
  model_type: textAtMost(MAX_WORD_CHARACTERS),
  genre: textAtMost(MAX_WORD_CHARACTERS),
  output_basename: fileName,
  output_filename: fileName,
  /** Where the audio is to be stored. Default: in the folder of its user. */
  storage_path: textAtMost(MAX_PATH_CHARACTERS),
  speed: numberIn('speed'),
  pause_scale: numberIn('pause_scale'),
  exaggeration: numberIn('exaggeration'),
  cfg_weight: numberIn('cfg_weight'),
  temperature: numberIn('temperature'),
  /** Whether another voice may read when a person's own cannot. */
  allow_other_voice: flag,
  /** Set by servers, never by a person. Default `normal`. */
  priority: optional(z.enum(JOB_PRIORITIES, `must be one of ${JOB_PRIORITIES.join(', ')}`)),
};

/** Optional fields of a job, see `JOB_EXTRAS`. */
export type TtsJobExtras = {
  readonly [Name in keyof typeof JOB_EXTRAS]?: NonNullable<z.output<(typeof JOB_EXTRAS)[Name]>>;
} & {
  /** Where the recording that came with the job is kept; written by the server alone. */
  readonly recording_path?: string;
};

/** What a story keeps of a job's extras, so that Try Again makes the same. */
export interface KeptExtras extends Omit<TtsJobExtras, 'profile_base64'> {
  /** The job came with the recording of its voice; without `recording_path` it was not kept. */
  readonly has_recording?: boolean;
}

const orNothing = <T extends object>(extras: T): T | undefined =>
  Object.keys(extras).length === 0 ? undefined : extras;

/**
 * The extras without a recording itself, and a mark in its place.
 *
 * @example
 * keptExtras({ profile_base64: 'UklGRg==', genre: 'tale' }); // { genre: 'tale', has_recording: true }
 */
export const keptExtras = ({ profile_base64: recording, ...others }: TtsJobExtras): KeptExtras | undefined =>
  orNothing({
    ...others,
    ...((recording ?? others.recording_path) === undefined ? {} : { has_recording: true }),
  });

const { profile_base64: _recording, ...keptFields } = JOB_EXTRAS;

const keptSchema = z.object({
  ...(Object.fromEntries(
    Object.entries(keptFields).map(([name, type]) => [name, (type as z.ZodType).catch(undefined)]),
  ) as unknown as typeof keptFields),
  has_recording: z.literal(true).optional().catch(undefined),
  recording_path: textAtMost(MAX_PATH_CHARACTERS).catch(undefined),
});

/**
 * The extras that a story kept; whatever else stands there is left out.
 *
 * @example
 * readExtras({ genre: 'tale', other: 1 }); // { genre: 'tale' }
 */
export const readExtras = (stored: unknown): KeptExtras | undefined =>
  stored === undefined ? undefined : orNothing(present(keptSchema.safeParse(stored).data ?? {}));

/**
 * Extras for another voice: what belonged to the old one is left out.
 *
 * @example
 * extrasOfOtherVoice({ genre: 'tale', has_recording: true }); // { genre: 'tale' }
 */
export const extrasOfOtherVoice = ({
  has_recording: _hasRecording,
  profile_path: _path,
  recording_path: _recordingPath,
  is_kids_voice: _isKidsVoice,
  ...others
}: KeptExtras): KeptExtras | undefined => orNothing(others);

/**
 * The extras as they go into a job.
 *
 * @example
 * extrasForJob({ genre: 'tale', has_recording: true }); // { genre: 'tale' }
 */
export const extrasForJob = ({
  has_recording: _hasRecording,
  ...others
}: KeptExtras): TtsJobExtras | undefined => orNothing(others);
