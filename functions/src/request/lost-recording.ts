import type { KeptExtras } from '@taleback/core';
import { isOwnPlace } from '../receive/index.ts';
import type { Denial } from './ports.ts';

const GONE = {
  kind: 'unfit',
  code: 'voice_profile_missing',
  field: 'voiceId',
  sentence: 'voiceId: the recording of this voice is not kept with the story; choose another voice',
} as const satisfies Denial;

const NOT_YOURS = {
  ...GONE,
  sentence: 'voiceId: the recording of this voice is not of the owner of the story; choose another voice',
} as const satisfies Denial;

/**
 * Why a story cannot be told again in the voice it had: its recording came with the job and was not kept, or lies in
 * the private folder of another than the present owner. Undefined when it can: any other voice would be a stranger's.
 */
export const findLostRecording = (extras: KeptExtras | undefined, ownerId: string): Denial | undefined => {
  const path = extras?.profile_path;
  if (path === undefined) return extras?.has_recording === true ? GONE : undefined;
  return isOwnPlace(path, [ownerId]) ? undefined : NOT_YOURS;
};
