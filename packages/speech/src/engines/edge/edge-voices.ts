import { isRecord, TalebackError } from '@taleback/core';
import type { Voice } from '../engine.ts';
import { parseJson } from '../remote/service-fault.ts';

const LINES = `
de-DE Killian male, Conrad male, Katja female
en-US Aria female, Guy male
en-GB Sonia female
fr-FR Denise female, Henri male
es-ES Elvira female, Alvaro male
it-IT Elsa female, Diego male
pt-BR Francisca female, Antonio male
nl-NL Colette female, Maarten male
pl-PL Zofia female, Marek male
tr-TR Emel female
ru-RU Svetlana female
ja-JP Nanami female, Keita male
zh-CN Xiaoxiao female, Yunxi male
`;

/**
 * Voices that have existed for years, 24 in 12 languages; a probe reads the complete list.
 *
 * @see docs/origins.md#edge-voices for the first two, which replace each other
 */
export const EDGE_VOICES: readonly Voice[] = LINES.trim()
  .split('\n')
  .flatMap((line) => {
    const [locale = '', ...rest] = line.split(' ');
    return rest
      .join(' ')
      .split(', ')
      .map((entry): Voice => {
        const [name = '', gender] = entry.split(' ');
        return {
          id: `${locale}-${name}Neural`,
          name,
          languages: [locale],
          gender: gender === 'male' ? 'male' : 'female',
        };
      });
  });

const WELL_KNOWN = EDGE_VOICES.map(({ id }) => id);
const rankOf = ({ id }: Voice): number => {
  const rank = WELL_KNOWN.indexOf(id);
  return rank === -1 ? WELL_KNOWN.length : rank;
};

const parseVoice = (entry: unknown): Voice | undefined => {
  if (!isRecord(entry)) return undefined;
  const { ShortName, Locale, Gender, Status } = entry;
  if (typeof ShortName !== 'string' || typeof Locale !== 'string' || Status === 'Deprecated')
    return undefined;
  const gender = Gender === 'Female' ? 'female' : Gender === 'Male' ? 'male' : undefined;
  return {
    id: ShortName,
    name: ShortName.slice(ShortName.lastIndexOf('-') + 1).replace(/Neural$/u, ''),
    languages: [Locale],
    ...(gender === undefined ? {} : { gender }),
  };
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
