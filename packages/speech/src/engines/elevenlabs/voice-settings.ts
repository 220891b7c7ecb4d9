import type { VoiceStyle } from '../engine.ts';

/** What `voice_settings.speed` may be. */
export const SERVICE_SPEED = { min: 0.7, max: 1.2 } as const;

/** The parts of `voice_settings` that we set; the service has its own defaults for the others. */
export interface VoiceSettings {
  /** 0 lets the voice vary most, 1 least. */
  readonly stability?: number;
  /** 0 to 1: how far the voice's own style is exaggerated. */
  readonly style?: number;
  /** 0.7 to 1.2. */
  readonly speed?: number;
}

const clamp = (value: number, min: number, max: number): number => Math.min(max, Math.max(min, value));
/** Two decimals: the service does not hear more, and equal wishes stay equal requests. */
const rounded = (value: number): number => Math.round(value * 100) / 100;

/** Chatterbox's neutral values, which stand for the ones of ElevenLabs: no style, and a stability of a half. */
const NEUTRAL_EXAGGERATION = 0.5;
const MOST_EXAGGERATION = 2;
const NEUTRAL_TEMPERATURE = 0.8;

/** The speed that is asked of the service: as near to the wanted one as it goes. */
export const serviceSpeedOf = (speed: number): number => clamp(speed, SERVICE_SPEED.min, SERVICE_SPEED.max);

/**
 * A style in the words of ElevenLabs: `exaggeration` is `style`, a high `temperature` is a low `stability`. `cfgWeight`
 * has no counterpart.
 *
 * @returns undefined when the voice is to speak as it is kept there, because settings that are sent replace all of those
 */
export const voiceSettingsOf = (style: VoiceStyle | undefined, speed: number): VoiceSettings | undefined => {
  const { exaggeration, temperature } = style ?? {};
  const settings: VoiceSettings = {
    ...(temperature === undefined
      ? {}
      : { stability: rounded(clamp(1 - temperature / (2 * NEUTRAL_TEMPERATURE), 0, 1)) }),
    ...(exaggeration === undefined
      ? {}
      : {
          style: rounded(
            clamp((exaggeration - NEUTRAL_EXAGGERATION) / (MOST_EXAGGERATION - NEUTRAL_EXAGGERATION), 0, 1),
          ),
        }),
    ...(speed === 1 ? {} : { speed: serviceSpeedOf(speed) }),
  };
  return Object.keys(settings).length === 0 ? undefined : settings;
};
