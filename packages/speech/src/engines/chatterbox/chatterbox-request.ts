import { TalebackError } from '@taleback/core';
import type { VoiceStyle } from '../engine.ts';
import type { CheckedChunk } from '../remote/check-chunk.ts';

/** Whose voice is to speak: both name a file at the server. */
export type ChatterboxSpeaker =
  | { readonly mode: 'predefined'; readonly fileName: string }
  | { readonly mode: 'clone'; readonly fileName: string };

/**
 * Any but 0, which stands for chance. With the same seed the same text sounds the same, so a story that is told again
 * after a fault is no other story.
 */
const DEFAULT_SEED = 20_041;
/**
 * The server cuts a text that is half again as long. Ours never are; longer ones would be broken off without a word
 * after 40 s of sound, where the model stops.
 */
const CHUNK_SIZE = 300;

/** @see VoiceStyle */
const BOUNDS = { exaggeration: [0.25, 2], cfgWeight: [0, 1], temperature: [0.05, 5] } as const;

/** @throws TalebackError `request_invalid` for a value out of bounds */
const checkedStyle = (style: VoiceStyle): VoiceStyle => {
  for (const name of ['exaggeration', 'cfgWeight', 'temperature'] as const) {
    const value = style[name];
    const [least, most] = BOUNDS[name];
    if (value !== undefined && !(value >= least && value <= most)) {
      throw new TalebackError('request_invalid', `${name} must be ${least} to ${most}.`);
    }
  }
  return style;
};

/**
 * The body of `POST /tts`. What the style leaves open is the server's own setting.
 *
 * @param language primary tag, such as `en`
 * @throws TalebackError `request_invalid` for a style out of bounds
 */
export const chatterboxRequest = (
  { text, speed }: Pick<CheckedChunk, 'text' | 'speed'>,
  speaker: ChatterboxSpeaker,
  {
    style = {},
    language,
    seed = DEFAULT_SEED,
  }: {
    readonly style?: VoiceStyle | undefined;
    readonly language: string;
    readonly seed?: number | undefined;
  },
): object => {
  const { temperature, exaggeration, cfgWeight } = checkedStyle(style);
  return {
    text,
    voice_mode: speaker.mode,
    ...(speaker.mode === 'predefined'
      ? { predefined_voice_id: speaker.fileName }
      : { reference_audio_filename: speaker.fileName }),
    output_format: 'wav',
    split_text: true,
    chunk_size: CHUNK_SIZE,
    seed,
    speed_factor: speed,
    language,
    ...(temperature === undefined ? {} : { temperature }),
    ...(exaggeration === undefined ? {} : { exaggeration }),
    ...(cfgWeight === undefined ? {} : { cfg_weight: cfgWeight }),
  };
};
