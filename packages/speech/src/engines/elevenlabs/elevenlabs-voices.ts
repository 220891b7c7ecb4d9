import { TalebackError } from '@taleback/core';
import type { Voice } from '../engine.ts';

/** Voices that every account has, for as long as the service has not told its own. */
export const DEFAULT_ELEVENLABS_VOICES: readonly Voice[] = [
  { id: '21m00Tcm4TlvDq8ikWAM', name: 'Rachel', languages: ['en'], gender: 'female', accent: 'american' },
  { id: 'pNInz6obpgDQGcFmaJgB', name: 'Adam', languages: ['en'], gender: 'male', accent: 'american' },
];

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;
const wordOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** Every voice speaks all languages of the model; its own comes first. */
const languagesOf = (own: string | undefined, ofModel: readonly string[]): readonly string[] =>
  own === undefined ? ofModel : [own, ...ofModel.filter((language) => language !== own)];

/** Languages of people have two or three letters; what is longer is a word such as `English`, or `american`. */
const PRIMARY = /^[a-z]{2,3}(?:-|$)/i;

/** A language as BCP 47 has it; undefined for free text, which people write into labels. */
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

/** The voice's own language: that of its label, else the first that the service has listened to it in. */
const ownLanguageOf = (entry: Json, labels: Json): string | undefined => {
  const labelled = languageIn(labels['language']);
  if (labelled !== undefined) return labelled;
  const verified: unknown = entry['verified_languages'];
  if (!Array.isArray(verified)) return undefined;
  return verified
    .map((one: unknown) => (isObject(one) ? languageIn(one['language']) : undefined))
    .find((language) => language !== undefined);
};

/**
 * Whether somebody of this account cloned it. Voices of the library are `professional` as well, but not the account's own.
 * @see https://elevenlabs.io/docs/api-reference/voices/search
 */
const isCloned = ({ category, is_owner: isOwner }: Json): boolean =>
  category === 'cloned' || (category === 'professional' && isOwner === true);

const parseVoice = (entry: unknown, ofModel: readonly string[]): Voice | undefined => {
  if (!isObject(entry)) return undefined;
  const id = wordOf(entry['voice_id']);
  if (id === undefined) return undefined;
  const labels = isObject(entry['labels']) ? entry['labels'] : {};
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

const parseJson = (body: Uint8Array): unknown => {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    return undefined;
  }
};

/**
 * The answer to `GET /v1/voices`.
 *
 * @throws TalebackError `provider_unavailable` when there is no voice in it, as with a proxy that answers instead.
 */
export const parseVoices = (body: Uint8Array, ofModel: readonly string[]): readonly Voice[] => {
  const answer = parseJson(body);
  const list: unknown = isObject(answer) ? answer['voices'] : undefined;
  const voices = Array.isArray(list) ? list.flatMap((entry) => parseVoice(entry, ofModel) ?? []) : [];
  if (voices.length > 0) return voices;
  throw new TalebackError('provider_unavailable', 'ElevenLabs told no voices.', {
    details: `the answer to /v1/voices holds none in ${body.length} bytes`,
  });
};
