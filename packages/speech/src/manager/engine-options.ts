import type { VoiceStyle } from '../engines/index.ts';

/**
 * Recording and style in the words of the line protocol; what is not given is left out.
 *
 * @param profilePath where the recording lies
 * @see worker/python/taleback_speech/voice_profile.py and engines/chatterbox_settings.py
 */
export const engineOptionsOf = (
  profilePath: string | undefined,
  { exaggeration, cfgWeight, temperature }: VoiceStyle = {},
): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries({
      voice_profile_path: profilePath,
      exaggeration,
      cfg_weight: cfgWeight,
      temperature,
    }).filter(([, value]) => value !== undefined),
  );
