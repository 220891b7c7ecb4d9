import { isJsonObject } from '../callback/index.ts';
import type { TtsJobExtras } from './tts-job.ts';

const TEXTS = ['profile_path', 'model_type', 'genre', 'output_basename', 'output_filename'] as const;

const orNothing = (extras: TtsJobExtras): TtsJobExtras | undefined =>
  Object.keys(extras).length === 0 ? undefined : extras;

/** What a story keeps of a job's extras, so that Try Again makes the same: all but a recording itself, which is too large. */
export const keptExtras = ({
  profile_base64: _recording,
  ...others
}: TtsJobExtras): TtsJobExtras | undefined => orNothing(others);

/** The extras that a story kept; whatever else stands there is left out. */
export const readExtras = (stored: unknown): TtsJobExtras | undefined => {
  if (!isJsonObject(stored)) return undefined;
  const texts = TEXTS.flatMap((name) => (typeof stored[name] === 'string' ? [[name, stored[name]]] : []));
  const isKidsVoice = stored['is_kids_voice'];
  return orNothing({
    ...Object.fromEntries(texts),
    ...(typeof isKidsVoice === 'boolean' ? { is_kids_voice: isKidsVoice } : {}),
  });
};

/** Extras for another voice: what belonged to the old one is left out. */
export const extrasOfOtherVoice = ({
  profile_base64: _recording,
  profile_path: _path,
  is_kids_voice: _isKidsVoice,
  ...others
}: TtsJobExtras): TtsJobExtras | undefined => orNothing(others);
