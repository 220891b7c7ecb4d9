import { parseJson, TalebackError, textOf } from '@taleback/core';
import type { Voice } from '../engine.ts';
import { membersOf } from '../remote/service-fault.ts';
import edgeVoices from './edge-voices.json' with { type: 'json' };

/**
 * Voices that have existed for years, 24 in 12 languages; a probe reads the complete list.
 *
 * @see docs/origins.md#edge-voices for the first two, which replace each other
 */
export const EDGE_VOICES = edgeVoices as readonly Voice[];
const WELL_KNOWN = EDGE_VOICES.map(({ id }) => id);
const rankOf = ({ id }: Voice): number =>
  WELL_KNOWN.includes(id) ? WELL_KNOWN.indexOf(id) : WELL_KNOWN.length;

const GENDERS: ReadonlyMap<unknown, 'female' | 'male'> = new Map([
  ['Female', 'female'],
  ['Male', 'male'],
]);

const parseVoice = (entry: unknown): Voice | undefined => {
  const { ShortName, Locale, Gender, Status } = membersOf(entry);
  const id = textOf(ShortName);
  const locale = textOf(Locale);
  if (id === undefined || locale === undefined || Status === 'Deprecated') return undefined;
  const name = id.slice(id.lastIndexOf('-') + 1).replace(/Neural$/u, '');
  return { id, name, languages: [locale], gender: GENDERS.get(Gender) };
};

/**
 * The voices that the service lists, the well-known ones first, in the order of EDGE_VOICES.
 *
 * @throws TalebackError `provider_unavailable` when the answer is no list with a voice in it.
 */
export const parseVoiceList = (body: Uint8Array): readonly Voice[] => {
  const list = parseJson(body);
  const voices = Array.isArray(list) ? list.flatMap((entry) => parseVoice(entry) ?? []) : [];
  if (voices.length > 0) return voices.sort((one, other) => rankOf(one) - rankOf(other));
  throw new TalebackError('provider_unavailable', 'The Edge service sent no list of voices.', {
    details: `${body.length} bytes without a voice`,
  });
};
