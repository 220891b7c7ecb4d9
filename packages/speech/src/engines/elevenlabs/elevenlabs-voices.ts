import { isRecord, TalebackError, textOf } from '@taleback/core';
import type { Voice, VoiceStyle } from '../engine.ts';
import { membersOf } from '../remote/service-fault.ts';

interface ElevenlabsModel {
  /** ISO 639-1 where there is one. */
  readonly languages: readonly string[];
  /** Whether `language_code` may be sent: the other models answer it with an error. */
  readonly takesLanguage: boolean;
}

const OF_V2 = 'en ja zh de hi fr ko pt it es id nl tr fil pl sv bg ro ar cs el fi hr ms sk da ta uk ru'.split(
  ' ',
);
const ENGLISH: ElevenlabsModel = { languages: ['en'], takesLanguage: false };
const V2: ElevenlabsModel = { languages: OF_V2, takesLanguage: false };
const V2_5: ElevenlabsModel = { languages: [...OF_V2, 'hu', 'no', 'vi'], takesLanguage: true };

/** @see https://elevenlabs.io/docs/models and `language_code` of the API reference */
const MODELS: ReadonlyMap<string, ElevenlabsModel> = new Map([
  ['eleven_multilingual_v2', V2],
  ['eleven_turbo_v2_5', V2_5],
  ['eleven_flash_v2_5', V2_5],
  ['eleven_v3', V2_5],
  ['eleven_monolingual_v1', ENGLISH],
  ['eleven_turbo_v2', ENGLISH],
  ['eleven_flash_v2', ENGLISH],
]);

/** What is known about a model; an unknown one is treated like `eleven_multilingual_v2`. */
export const modelOf = (modelId: string): ElevenlabsModel => MODELS.get(modelId) ?? V2;

/** Every voice speaks all languages of the model; its own comes first. */
const languagesOf = (own: string | undefined, ofModel: readonly string[]): readonly string[] =>
  own === undefined ? ofModel : [own, ...ofModel.filter((language) => language !== own)];

/** A language in BCP 47; undefined for free text such as `English`, which people write into labels. */
const languageIn = (value: unknown): string | undefined => {
  const tag = textOf(value)?.trim();
  // Primary tags have two or three letters.
  if (tag === undefined || !/^[a-z]{2,3}(?:-|$)/i.test(tag)) return undefined;
  try {
    const [canonical] = Intl.getCanonicalLocales(tag);
    return canonical === 'und' ? undefined : canonical;
  } catch {
    return undefined;
  }
};

const parseVoice = (entry: unknown, ofModel: readonly string[]): Voice | undefined => {
  const { voice_id: voiceId, name, category, is_owner: isOwner, ...more } = membersOf(entry);
  const id = textOf(voiceId);
  if (id === undefined) return undefined;
  const labels = membersOf(more['labels']);
  const verified: readonly unknown[] = Array.isArray(more['verified_languages'])
    ? more['verified_languages'].map((one) => membersOf(one)['language'])
    : [];
  const gender = textOf(labels['gender'])?.toLowerCase();
  // Voices of the library are `professional` as well, but not owned by the account.
  // See https://elevenlabs.io/docs/api-reference/voices/search
  const isCloned = category === 'cloned' || (category === 'professional' && isOwner === true);
  return {
    id,
    name: textOf(name) ?? id,
    // Its own: that of its label, else the first that the service has verified.
    languages: languagesOf([labels['language'], ...verified].map(languageIn).find(Boolean), ofModel),
    gender: gender === 'female' || gender === 'male' ? gender : undefined,
    accent: textOf(labels['accent']),
    remark: textOf(labels['descriptive']) ?? textOf(labels['description']),
    isCloned: isCloned || undefined,
    // Only the service's own voices are for everyone.
    isPrivate: isCloned || category === 'premade' ? undefined : true,
  };
};

/** Voices that every account has, until a probe. */
export const defaultVoices = (ofModel: readonly string[]): readonly Voice[] => {
  const languages = languagesOf('en', ofModel);
  return [
    { id: '21m00Tcm4TlvDq8ikWAM', name: 'Rachel', languages, gender: 'female', accent: 'american' },
    { id: 'pNInz6obpgDQGcFmaJgB', name: 'Adam', languages, gender: 'male', accent: 'american' },
  ];
};

/**
 * The answer to `GET /v1/voices`.
 *
 * @throws TalebackError `provider_unavailable` when it lists no voice, as when a proxy answers instead.
 */
export const parseVoices = (json: unknown, ofModel: readonly string[]): readonly Voice[] => {
  const list = isRecord(json) ? json['voices'] : undefined;
  const voices = Array.isArray(list) ? list.flatMap((entry) => parseVoice(entry, ofModel) ?? []) : [];
  if (voices.length > 0) return voices;
  throw new TalebackError('provider_unavailable', 'ElevenLabs lists no voices.', {
    details: 'there is no voice in the answer to /v1/voices',
  });
};

const clamp = (value: number, min: number, max: number): number => Math.min(max, Math.max(min, value));
/** 0 to 1 in two decimals, which are enough, and equal styles stay equal requests. */
const share = (value: number): number => Math.round(clamp(value, 0, 1) * 100) / 100;

/** The speed that the service is asked for: the nearest one that `voice_settings.speed` may be. */
export const serviceSpeedOf = (speed: number): number => clamp(speed, 0.7, 1.2);

/** Chatterbox's neutral values; those of ElevenLabs are no style and a stability of 0.5. */
const NEUTRAL_EXAGGERATION = 0.5;
const MOST_EXAGGERATION = 2;
const NEUTRAL_TEMPERATURE = 0.8;

/**
 * A style as `voice_settings`: `exaggeration` is `style`, a high `temperature` is a low `stability`. `cfgWeight` has no
 * counterpart.
 *
 * @returns undefined when the voice's stored settings apply: settings that are sent replace all of them
 */
export const voiceSettingsOf = (
  { exaggeration, temperature }: VoiceStyle = {},
  speed: number,
):
  | {
      readonly stability: number | undefined;
      readonly style: number | undefined;
      readonly speed: number | undefined;
    }
  | undefined => {
  if (exaggeration === undefined && temperature === undefined && speed === 1) return undefined;
  const styleRange = MOST_EXAGGERATION - NEUTRAL_EXAGGERATION;
  return {
    stability: temperature === undefined ? undefined : share(1 - temperature / (2 * NEUTRAL_TEMPERATURE)),
    style: exaggeration === undefined ? undefined : share((exaggeration - NEUTRAL_EXAGGERATION) / styleRange),
    speed: speed === 1 ? undefined : serviceSpeedOf(speed),
  };
};
