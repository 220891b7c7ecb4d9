import { isRecord, TalebackError } from '@taleback/core';
import type { Voice, VoiceStyle } from '../engine.ts';

interface ElevenlabsModel {
  /** ISO 639-1 where there is one. */
  readonly languages: readonly string[];
  /** Whether `language_code` may be sent: the other models answer it with an error. */
  readonly takesLanguage: boolean;
}

const OF_V2 = 'en ja zh de hi fr ko pt it es id nl tr fil pl sv bg ro ar cs el fi hr ms sk da ta uk ru'.split(
  ' ',
);
const OF_V2_5 = [...OF_V2, 'hu', 'no', 'vi'];

const ENGLISH: ElevenlabsModel = { languages: ['en'], takesLanguage: false };
const V2: ElevenlabsModel = { languages: OF_V2, takesLanguage: false };
const V2_5: ElevenlabsModel = { languages: OF_V2_5, takesLanguage: true };

/** @see https://elevenlabs.io/docs/models and `language_code` of the API reference */
const MODELS: Readonly<Record<string, ElevenlabsModel>> = {
  eleven_multilingual_v2: V2,
  eleven_turbo_v2_5: V2_5,
  eleven_flash_v2_5: V2_5,
  eleven_v3: V2_5,
  eleven_monolingual_v1: ENGLISH,
  eleven_turbo_v2: ENGLISH,
  eleven_flash_v2: ENGLISH,
};

/** What is known about a model; an unknown one is treated like `eleven_multilingual_v2`. */
export const modelOf = (modelId: string): ElevenlabsModel =>
  Object.hasOwn(MODELS, modelId) ? (MODELS[modelId] ?? V2) : V2;

/** Voices that every account has, until a probe. */
export const DEFAULT_ELEVENLABS_VOICES: readonly Voice[] = [
  { id: '21m00Tcm4TlvDq8ikWAM', name: 'Rachel', languages: ['en'], gender: 'female', accent: 'american' },
  { id: 'pNInz6obpgDQGcFmaJgB', name: 'Adam', languages: ['en'], gender: 'male', accent: 'american' },
];

type Json = Readonly<Record<string, unknown>>;

const wordOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** Every voice speaks all languages of the model; its own comes first. */
const languagesOf = (own: string | undefined, ofModel: readonly string[]): readonly string[] =>
  own === undefined ? ofModel : [own, ...ofModel.filter((language) => language !== own)];

/** Primary tags have two or three letters; longer ones are words such as `English` or `american`. */
const PRIMARY = /^[a-z]{2,3}(?:-|$)/i;

/** A language in BCP 47; undefined for free text, which people write into labels. */
const languageIn = (value: unknown): string | undefined => {
  const tag = wordOf(value)?.trim();
  if (tag === undefined || !PRIMARY.test(tag)) return undefined;
  try {
    const [canonical] = Intl.getCanonicalLocales(tag);
    return canonical === 'und' ? undefined : canonical;
  } catch {
    return undefined;
  }
};

/** The voice's own language: that of its label, else the first that the service has verified. */
const ownLanguageOf = (entry: Json, labels: Json): string | undefined => {
  const labelled = languageIn(labels['language']);
  if (labelled !== undefined) return labelled;
  const verified: unknown = entry['verified_languages'];
  if (!Array.isArray(verified)) return undefined;
  return verified
    .map((one: unknown) => (isRecord(one) ? languageIn(one['language']) : undefined))
    .find((language) => language !== undefined);
};

/**
 * Whether it was cloned in this account. Voices of the library are `professional` as well, but not owned by the account.
 * @see https://elevenlabs.io/docs/api-reference/voices/search
 */
const isCloned = ({ category, is_owner: isOwner }: Json): boolean =>
  category === 'cloned' || (category === 'professional' && isOwner === true);

const parseVoice = (entry: unknown, ofModel: readonly string[]): Voice | undefined => {
  if (!isRecord(entry)) return undefined;
  const id = wordOf(entry['voice_id']);
  if (id === undefined) return undefined;
  const labels = isRecord(entry['labels']) ? entry['labels'] : {};
  const gender = wordOf(labels['gender'])?.toLowerCase();
  const accent = wordOf(labels['accent']);
  const remark = wordOf(labels['descriptive']) ?? wordOf(labels['description']);
  return {
    id,
    name: wordOf(entry['name']) ?? id,
    languages: languagesOf(ownLanguageOf(entry, labels), ofModel),
    ...(gender === 'female' || gender === 'male' ? { gender } : {}),
    ...(accent === undefined ? {} : { accent }),
    ...(remark === undefined ? {} : { remark }),
    ...(isCloned(entry) ? { isCloned: true } : {}),
  };
};

/** Voices as they were configured, which speak what the model speaks. */
export const voicesForModel = (voices: readonly Voice[], ofModel: readonly string[]): readonly Voice[] =>
  voices.map((voice) => ({ ...voice, languages: languagesOf(voice.languages[0], ofModel) }));

/**
 * The answer to `GET /v1/voices`.
 *
 * @throws TalebackError `provider_unavailable` when it lists no voice, as when a proxy answers instead.
 */
export const parseVoices = (json: unknown, ofModel: readonly string[]): readonly Voice[] => {
  const list: unknown = isRecord(json) ? json['voices'] : undefined;
  const voices = Array.isArray(list) ? list.flatMap((entry) => parseVoice(entry, ofModel) ?? []) : [];
  if (voices.length > 0) return voices;
  throw new TalebackError('provider_unavailable', 'ElevenLabs lists no voices.', {
    details: 'there is no voice in the answer to /v1/voices',
  });
};

/** What `voice_settings.speed` may be. */
const SERVICE_SPEED = { min: 0.7, max: 1.2 } as const;

/** The parts of `voice_settings` that we set; the service has its own defaults for the others. */
interface VoiceSettings {
  /** 0 lets the voice vary most, 1 least. */
  readonly stability?: number;
  /** 0 to 1: how far the voice's own style is exaggerated. */
  readonly style?: number;
  /** 0.7 to 1.2. */
  readonly speed?: number;
}

const clamp = (value: number, min: number, max: number): number => Math.min(max, Math.max(min, value));
/** Two decimals are enough, and equal styles stay equal requests. */
const rounded = (value: number): number => Math.round(value * 100) / 100;

/** Chatterbox's neutral values; those of ElevenLabs are no style and a stability of 0.5. */
const NEUTRAL_EXAGGERATION = 0.5;
const MOST_EXAGGERATION = 2;
const NEUTRAL_TEMPERATURE = 0.8;

/** The speed that the service is asked for: the nearest one that it supports. */
export const serviceSpeedOf = (speed: number): number => clamp(speed, SERVICE_SPEED.min, SERVICE_SPEED.max);

/**
 * A style in the terms of ElevenLabs: `exaggeration` is `style`, a high `temperature` is a low `stability`. `cfgWeight`
 * has no counterpart.
 *
 * @returns undefined when the voice's stored settings apply: settings that are sent replace all of them
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
