import { type ErrorCode, isRecord, TalebackError } from '@taleback/core';
import type { CheckedChunk, VoiceStyle } from '../engine.ts';
import type { Refusal } from '../remote/service-fault.ts';

const membersOf = (json: unknown): Readonly<Record<string, unknown>> => (isRecord(json) ? json : {});

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** The answer to `GET /api/model-info`. */
export interface ModelInfo {
  readonly isLoaded: boolean;
  /** Model and device in a few words. */
  readonly words: string;
  /** Codes such as `en`; none when it does not report them. */
  readonly languages: readonly string[];
}

/** Languages come as a list of codes, or as an object from codes to names. */
export const parseModelInfo = (json: unknown): ModelInfo => {
  const info = membersOf(json);
  const listed = info['supported_languages'];
  const languages: unknown[] = Array.isArray(listed) ? listed : Object.keys(membersOf(listed));
  return {
    isLoaded: info['loaded'] === true,
    words: `${textOf(info['type']) ?? textOf(info['class_name']) ?? 'a model'} on ${textOf(info['device']) ?? 'a device'}`,
    languages: languages.map(textOf).filter((code) => code !== undefined),
  };
};

export interface PredefinedVoice {
  readonly fileName: string;
  readonly displayName: string;
}

/** `GET /get_predefined_voices`: `[{display_name, filename}]`. */
export const parsePredefinedVoices = (json: unknown): PredefinedVoice[] =>
  (Array.isArray(json) ? json : []).map(membersOf).flatMap(({ filename, display_name: displayName }) => {
    const fileName = textOf(filename);
    return fileName === undefined ? [] : [{ fileName, displayName: textOf(displayName) ?? fileName }];
  });

/** Whose voice speaks; both name a file at the server. */
export type ChatterboxSpeaker =
  | { readonly mode: 'predefined'; readonly fileName: string }
  | { readonly mode: 'clone'; readonly fileName: string };

/**
 * Any but 0, which means random. The same text with the same seed sounds the same, so a repetition after a fault does
 * not change the story.
 */
const DEFAULT_SEED = 20_041;
/**
 * The server splits longer texts, which ours never are: the model stops after 40 s of sound without an error.
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
 * The body of `POST /tts`. What the style leaves open is up to the server's settings.
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

/** The server wraps its own refusals: a 400 arrives as `500 {"detail":"400: ..."}`. */
const WRAPPED = /^([45]\d\d): (.+)$/su;

export const unwrapRefusal = (refusal: Refusal): Refusal => {
  const [, status, words] = WRAPPED.exec(refusal.words) ?? [];
  if (refusal.status !== 500 || status === undefined || words === undefined) return refusal;
  return unwrapRefusal({ ...refusal, status: Number(status), words });
};

/** The uploaded recording is no longer there, as after a restart in a fresh container. */
export const isRecordingGone = ({ status, words }: Refusal): boolean =>
  status === 404 && /reference audio/iu.test(words);

/** What the server means, by its message, because it has no codes. */
export const chatterboxCode = (refusal: Refusal): ErrorCode | undefined => {
  const { status, words, isPage } = refusal;
  if (isPage) return undefined;
  if (isRecordingGone(refusal)) return 'voice_profile_missing';
  switch (status) {
    case 400:
      if (/reference audio/iu.test(words)) return 'voice_profile_corrupt';
      return /no usable chunks/iu.test(words) ? 'text_not_speakable' : undefined;
    case 404:
      return /voice file/iu.test(words) ? 'voice_not_found' : undefined;
    case 500:
      return /no output|invalid audio|failed to encode/iu.test(words) ? 'audio_missing' : undefined;
    case 503:
      return /model/iu.test(words) ? 'model_unavailable' : undefined;
    default:
      return undefined;
  }
};

/** Why an upload was refused. */
export const uploadCode = ({ status, isPage }: Refusal): ErrorCode | undefined => {
  if (status === 413 || status === 415) return 'voice_profile_format_invalid';
  return status === 400 && !isPage ? 'voice_profile_corrupt' : undefined;
};
