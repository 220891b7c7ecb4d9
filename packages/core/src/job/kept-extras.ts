import { isRecord } from '../json.ts';
import type { TtsJobExtras } from './tts-job.ts';

const TEXTS = ['profile_path', 'model_type', 'genre', 'output_basename', 'output_filename'] as const;

/** What a story keeps of a job's extras, so that Try Again makes the same. */
export interface KeptExtras extends Omit<TtsJobExtras, 'profile_base64'> {
  /** The job came with the recording of its voice, which is too large to be kept. */
  readonly has_recording?: boolean;
}

const orNothing = <T extends object>(extras: T): T | undefined =>
  Object.keys(extras).length === 0 ? undefined : extras;

/** The extras without a recording itself, and a mark in its place. */
export const keptExtras = ({ profile_base64: recording, ...others }: TtsJobExtras): KeptExtras | undefined =>
  orNothing({ ...others, ...(recording === undefined ? {} : { has_recording: true }) });

/** The extras that a story kept; whatever else stands there is left out. */
export const readExtras = (stored: unknown): KeptExtras | undefined => {
  if (!isRecord(stored)) return undefined;
  const texts = TEXTS.flatMap((name) => (typeof stored[name] === 'string' ? [[name, stored[name]]] : []));
  const isKidsVoice = stored['is_kids_voice'];
  return orNothing({
    ...Object.fromEntries(texts),
    ...(typeof isKidsVoice === 'boolean' ? { is_kids_voice: isKidsVoice } : {}),
    ...(stored['has_recording'] === true ? { has_recording: true } : {}),
  });
};

/** Extras for another voice: what belonged to the old one is left out. */
export const extrasOfOtherVoice = ({
  has_recording: _hasRecording,
  profile_path: _path,
  is_kids_voice: _isKidsVoice,
  ...others
}: KeptExtras): KeptExtras | undefined => orNothing(others);

/** The extras as they go into a job. */
export const extrasForJob = ({
  has_recording: _hasRecording,
  ...others
}: KeptExtras): TtsJobExtras | undefined => orNothing(others);
