import { TalebackError } from '@taleback/core';

/** There is no recording where the job says. */
export const missingProfile = (details: string): TalebackError =>
  new TalebackError('voice_profile_missing', 'The recording of the voice is not there.', { details });

/** It is damaged. */
export const corruptProfile = (details: string): TalebackError =>
  new TalebackError('voice_profile_corrupt', 'The recording of the voice is damaged.', { details });

/** It is whole, but nothing a voice can be taken from. */
export const unusableProfile = (details: string): TalebackError =>
  new TalebackError('voice_profile_format_invalid', 'The recording of the voice cannot be used.', {
    details,
  });
